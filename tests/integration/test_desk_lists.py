"""The long lists of the desk without scripts: forwards and back by links, found by a name, no longer than a page."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import insert, select

from itaca.contracts.ids import uuid7
from itaca.storage import tables as t
from tests.support.desk_site import Site, judgement, letter
from tests.support.desk_web import sign_in

COMPLAINT = judgement(complaint="Y")
_SHOWN = re.compile(r'class="whole" href="/cases/([^"]+)"')


@pytest.fixture
async def web(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Sign in as an admin, who sees everything."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30, headers={"accept-language": "en"}) as client:
        await sign_in(client, "Giulia Ferri")
        yield client


async def complain(site: Site, count: int) -> None:
    """Let so many customers write."""
    for n in range(count):
        await site.receive(letter(f"Libro {n}", "Non arriva.", f"c{n}@posta.example", f"Mario Rossi{n}"), COMPLAINT)


def way(page: str, rel: str) -> str:
    """Return where the link of a list leads."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None, rel
    return found[1].replace("&amp;", "&")


async def test_a_list_is_read_forwards_and_back_by_links(site: Site, web: httpx.AsyncClient) -> None:
    """Every case once, the filter stays, and the way back leads to the same page."""
    await complain(site, 30)
    first = (await web.get("/cases?kind=complaint")).text
    second = (await web.get(way(first, "next"))).text
    shown = [*_SHOWN.findall(first), *_SHOWN.findall(second)]
    assert len(shown) == len(set(shown)) == 30
    assert "kind=complaint" in way(first, "next")
    assert 'rel="next"' not in second
    back = (await web.get(way(second, "prev"))).text
    assert _SHOWN.findall(back) == _SHOWN.findall(first)


async def test_a_place_that_is_none_is_the_beginning(site: Site, web: httpx.AsyncClient) -> None:
    """Addresses are cut short and kept for years; none of them is an error."""
    await complain(site, 1)
    for wrong in ("after=nonsense", "before=1", f"after={'9' * 19}.x", "after=1.2&before=%00", "kind=nonsense"):
        answer = await web.get(f"/cases?{wrong}")
        assert answer.status_code == 200, wrong
    assert _SHOWN.findall((await web.get("/cases?after=nonsense")).text)


async def test_a_name_is_searched_by_its_beginning(site: Site, web: httpx.AsyncClient) -> None:
    """What is found is there, what is not says what the search can do."""
    await complain(site, 2)
    assert len(_SHOWN.findall((await web.get("/cases?q=rossi")).text)) == 2
    assert len(_SHOWN.findall((await web.get("/cases?q=ROSSI1+mar")).text)) == 1
    assert "does not look inside" in (await web.get("/cases?q=libro")).text


async def test_a_case_with_many_mails_shows_how_it_began_and_the_newest(site: Site, web: httpx.AsyncClient) -> None:
    """The rest is one link away, and the page stays short."""
    first = await site.receive(letter("Libro", "Come è cominciata.", "anna@posta.example"), COMPLAINT)
    reference = await site.reference()
    await site.give_to("Giulia Ferri", reference)
    await site.ledger.database.write(lambda c: _write_again(c, site, first, 30))
    page = (await web.get(f"/cases/{reference}")).text
    assert "Come è cominciata." in page
    assert [n for n in range(30) if f"Ancora {n}." in page] == list(range(10, 30))
    longer = re.search(r'class="earlier"><a class="button" href="([^"]+)"', page)
    assert longer is not None
    whole = (await web.get(longer[1])).text
    assert [n for n in range(30) if f"Ancora {n}." in whole] == list(range(30))
    assert 'class="earlier"' not in whole


def _write_again(conn, site: Site, first: str, count: int) -> None:
    rng, now = site.ledger.rng, site.ledger.clock.now()
    mail, text, link = (
        dict(conn.execute(select(table).where(key == first)).mappings().one())
        for table, key in (
            (t.mails, t.mails.c.id),
            (t.mail_texts, t.mail_texts.c.mail_id),
            (t.case_mails, t.case_mails.c.mail_id),
        )
    )
    for n in range(count):
        mail_id = uuid7(now, rng)
        said = {**text["text"], "new_text": f"Ancora {n}."}
        conn.execute(
            insert(t.mails).values(
                {**mail, "id": mail_id, "digest": mail_id, "received_at": mail["received_at"] + n + 1}
            )
        )
        conn.execute(insert(t.mail_texts).values({**text, "mail_id": mail_id, "text": said}))
        conn.execute(insert(t.case_mails).values({**link, "mail_id": mail_id, "role": "appended"}))
