"""Small things of every day at the desk: what a form begins with, and where one lands after something went wrong."""

from datetime import timedelta
from html import unescape

import httpx

from tests.support.case_facts import judgement
from tests.support.desk_site import PASSWORD, Site, letter
from tests.support.desk_web import TOKEN, fill_in, sign_in

MAIL = letter("Re: R: due titoli", "Non è arrivato niente.", "n@posta.example", "Nadia Testa")


async def opened(site: Site, web: httpx.AsyncClient) -> str:
    """Let Anna have a case; return its path."""
    await site.receive(MAIL, judgement("N", "Y"))
    reference = await site.reference()
    await site.give_to("Anna Neri", reference)
    await sign_in(web, "Anna Neri")
    return f"/cases/{reference}"


async def test_an_answer_begins_with_a_working_day_and_the_customers_subject(
    site: Site, web: httpx.AsyncClient
) -> None:
    """On a Friday it is Monday by which one comes back; a call that was noted does not rename the thread."""
    await site.ledger.clock.advance(timedelta(days=4))
    path = await opened(site, web)
    call = {"channel": "call", "direction": "in", "at": "2026-03-13T09:00", "says": "Ha chiamato."}
    await fill_in(web, f"{path}/contact", call)
    page = unescape((await web.get(path)).text)
    assert 'name="day" min="2026-03-14" value="2026-03-16"' in page
    assert f'name="subject" value="Re: due titoli [{path.rpartition("/")[2]}]"' in page


async def test_the_page_after_an_act_may_be_loaded_anew(site: Site, web: httpx.AsyncClient) -> None:
    """An act has no page of its own: under its path one finds the page that it was done on."""
    path = await opened(site, web)
    for act in ("answer", "undo", "merge"):
        assert (await web.get(f"{path}/{act}")).headers["location"] == path
    assert (await web.get("/sign-out")).headers["location"] == "/"


async def test_what_is_sent_after_the_session_ended_is_said_to_be_lost(site: Site, web: httpx.AsyncClient) -> None:
    """The sign-in says that nothing was done, and leads back to the page; another site's address leads nowhere."""
    path = await opened(site, web)
    await site.ledger.clock.advance(timedelta(hours=13))
    others = (f"https://evil.example{path}", f"{site.url}//evil.example", "http://[", "")
    for came_from, page in ((f"{site.url}{path}", path), *((other, "/") for other in others)):
        answer = await web.post(f"{path}/take", data={"version": "1"}, headers={"referer": came_from})
        again = (await web.get(answer.headers["location"])).text
        assert ("non è stato fatto nulla" in again, f'name="next" value="{page}"' in again) == (True, True)


async def test_a_sign_in_page_left_open_overnight_works_at_the_second_attempt(
    site: Site, web: httpx.AsyncClient
) -> None:
    """Its cookie counts no more: the form comes back with a new token, and goes where it was meant to."""
    typed = {"email": "anna@bottega.example", "password": PASSWORD, "next": "/cases"}
    old = await web.post("/sign-in", data={"token": "0" * 64, **typed})
    assert (old.status_code, "aperta da molto tempo" in old.text) == (403, True)
    token = TOKEN.search(old.text)
    assert token is not None
    assert (await web.post("/sign-in", data={"token": token[1], **typed})).headers["location"] == "/cases"
    assert "forged" in await site.events()


async def test_another_language_shows_the_same_page(site: Site, web: httpx.AsyncClient) -> None:
    """Whoever reads a list and wants it in English is not sent to the beginning of their day."""
    await sign_in(web, "Anna Neri")
    token = TOKEN.search((await web.get("/cases?kind=order")).text)
    assert token is not None
    chosen = {"token": token[1], "language": "en"}
    answer = await web.post("/language", data=chosen, headers={"referer": f"{site.url}/cases?kind=order"})
    assert answer.headers["location"] == "/cases?kind=order"
    assert (await web.post("/language", data=chosen)).headers["location"] == "/"


async def test_later_says_when_there_is_no_other(site: Site, web: httpx.AsyncClient) -> None:
    """The same mail again would look as if the key had not been taken."""
    await site.receive(MAIL, judgement("N", "U"))
    await sign_in(web, "Marco Gallo")
    page = (await web.get("/review")).text
    later = page.partition("/review?later=")[2][:14]
    assert "c'è solo questa" not in unescape(page)
    assert "c'è solo questa" in unescape((await web.get(f"/review?later={later}")).text)


async def test_what_was_done_is_said(site: Site, web: httpx.AsyncClient) -> None:
    """To whom a case went, and until when it is put aside, for whoever opens it afterwards too."""
    path = await opened(site, web)
    to = {"to": site.people["Marco Gallo"].id, "version": (await version(web, path))}
    done = await fill_in(web, path, to, f"{path}/hand-over")
    assert "Ora se ne occupa Marco Gallo." in (await web.get(done.headers["location"])).text
    aside = {"until": "2026-03-11", "reason": "waiting for the customer", "version": (await version(web, path))}
    await sign_in(web, "Marco Gallo")
    await fill_in(web, path, aside, f"{path}/park")
    await sign_in(web, "Anna Neri")
    page = (await web.get(path)).text
    assert "Messo da parte fino a mercoledì 11 marzo." in unescape(page)
    assert "si aspetta il cliente" in page


async def version(web: httpx.AsyncClient, path: str) -> str:
    """Return the version that the page of a case shows."""
    return (await web.get(path)).text.partition('name="version" value="')[2].partition('"')[0]
