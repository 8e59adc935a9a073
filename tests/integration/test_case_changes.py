"""Merge, split, undo, files, parking over HTTP: each form as a browser without scripts sends it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from itaca.contracts.intents import CaseKind
from itaca.storage import tables as t
from services.desk.sizes import MOST_BYTES
from tests.support.case_facts import judgement
from tests.support.desk_site import Site, letter, open_site
from tests.support.desk_web import TOKEN, sign_in

VERSION = re.compile(r'name="version" value="(\d+)"')
NADIA = ("nadia@posta.example", "Nadia Testa")
ANSWER = {"recipient": NADIA[0], "subject": "Re: Pacco", "text": "Lo ritiriamo noi.", "then": "close"}
SETTLED = {"outcome": "remedied", "evidence": "ritiro 4711"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a desk that listens."""
    async with open_site(tmp_path, ITACA_DESK_ANSWER_MEGABYTES="1", ITACA_SECTOR="telecom") as opened:
        yield opened


@pytest.fixture
async def web(site: Site) -> AsyncIterator["Browser"]:
    """Give a browser in which Giulia, who may act on any case, is signed in."""
    async with httpx.AsyncClient(base_url=site.url, timeout=60, headers={"accept-language": "en"}) as client:
        assert (await sign_in(client, "Giulia Ferri")).status_code == 303
        yield Browser(client, site)


class Browser:
    """Sends the forms of a case's page."""

    def __init__(self, client: httpx.AsyncClient, site: Site) -> None:
        self.client, self.site = client, site

    async def page(self, reference: str) -> str:
        return (await self.client.get(f"/cases/{reference}")).text

    async def send(self, reference: str, form: str, files: object = None, **fields: object) -> httpx.Response:
        """Fill in one form of the page as it is now, a minute later, and follow where it leads."""
        await self.site.ledger.clock.advance(timedelta(minutes=1))
        page = await self.page(reference)
        token, version = TOKEN.search(page), VERSION.search(page)
        assert token is not None
        assert version is not None
        data = {"token": token[1], "version": version[1], **fields}
        url = f"/cases/{reference}/{form}"
        return await self.client.post(url, data=data, files=files, follow_redirects=True)  # type: ignore[arg-type]


async def complaint(site: Site, subject: str, text: str, sender: tuple[str, str] = NADIA) -> str:
    """Let a customer complain about something else than before."""
    await site.receive(letter(subject, text, *sender), judgement("N", "Y"))
    return await site.reference()


async def two(site: Site) -> tuple[str, str]:
    first = await complaint(site, "Pacco bagnato", "Il pacco dell'ordine 4711001 era bagnato. Lo ritirate?")
    second = await complaint(site, "Fattura", "La fattura dell'ordine 4712002 è sbagliata.")
    assert first != second
    return first, second


async def test_two_cases_become_one_and_two_again(site: Site, web: Browser) -> None:
    """The page that remains offers to take it back; the one that ended points to it."""
    first, second = await two(site)
    merged = await web.send(first, "merge", into=second)
    assert merged.url.path == f"/cases/{second}"
    assert "Both cases are one now" in merged.text
    assert f'href="/cases/{second}"' in await web.page(first)
    back = await web.send(second, "undo")
    assert "Everything is as it was before" in back.text
    assert {row.status for row in await site.routed.cases()} == {"open"}


async def test_a_refused_merger_says_what_to_do(site: Site, web: Browser) -> None:
    """Another customer's case needs a word; a cancellation stays; what was typed stays too."""
    first = await complaint(site, "Pacco", "Il pacco era bagnato.")
    other = await complaint(site, "Luce", "La bolletta è doppia.", ("ugo@altra.example", "Ugo Riva"))
    refused = await web.send(first, "merge", other=other, says="", more="merge")
    assert refused.status_code == 409
    assert "is another customer" in refused.text
    assert f'value="{other}"' in refused.text
    accepted = await web.send(first, "merge", other=other, says="stessa fattura", same="yes")
    assert accepted.url.path == f"/cases/{other}"
    await site.receive(letter("Disdetta", "Disdico.", *NADIA), judgement("N", "N", "Y"))
    cancelled = await site.reference(CaseKind.CANCELLATION)
    assert "keeps its own case" in (await web.send(cancelled, "merge", other=other)).text


async def test_a_mail_gets_a_case_of_its_own(site: Site, web: Browser) -> None:
    """Chosen by its tick; nothing chosen is refused in words."""
    first, _ = await two(site)
    (mail,) = [row.opened_by for row in await site.routed.cases() if row.reference == first]
    assert "about something else" in (await web.send(first, "split", kind="order", more="split")).text
    done = await web.send(first, "split", kind="cancellation", mails=[mail], number="4711001")
    assert "A case of its own was opened" in done.text
    assert len(await site.routed.cases(CaseKind.CANCELLATION)) == 1
    assert (await web.client.get(f"/cases/{await site.reference(CaseKind.CANCELLATION)}")).status_code == 200


async def test_an_answer_carries_files_and_comes_back_with_its_words(site: Site, web: Browser) -> None:
    """Kept before it leaves, shown, downloaded as it was; taken back, its words are in the form again."""
    mail = letter("Pacco", "Il pacco era bagnato.", *NADIA)
    mail.add_attachment(b"\x89PNG wet", maintype="image", subtype="png", filename="bagnato.png")
    await site.receive(mail, judgement("N", "Y"))
    reference = await site.reference()
    (case,) = await site.routed.cases()
    fields = {**ANSWER, **SETTLED, "mail": case.opened_by, "of_case": [f"{case.opened_by}:0"]}
    files = [("files", ("C:\\Bolle\\ritiro n° 7.pdf", b"%PDF-1.7", "application/pdf"))]
    sent = await web.send(reference, "answer", files, **fields)
    assert "It leaves in 15 seconds" in sent.text
    links = re.findall(r'href="(/letters/[^"]+)" hx-boost="false" download>([^<]+)<', sent.text)
    assert [name for _, name in links] == ["ritiro n° 7.pdf", "bagnato.png"]
    gotten = await web.client.get(links[1][0])
    assert gotten.content == b"\x89PNG wet"
    assert gotten.headers["content-disposition"].startswith("attachment")
    back = await web.send(reference, "undo")
    assert "Lo ritiriamo noi." in back.text
    assert "choose the files again" in back.text
    assert await site.routed.rows(t.letter_files) == []


async def test_files_that_are_too_large_are_refused_and_the_words_stay(site: Site, web: Browser) -> None:
    """By the limit of answers with the form; far beyond it before anything is read."""
    reference = await complaint(site, "Pacco", "Il pacco era bagnato.")
    (case,) = await site.routed.cases()
    fields = {**ANSWER, **SETTLED, "mail": case.opened_by}
    refused = await web.send(reference, "answer", [("files", ("a.bin", b"x" * 1_000_001, "x/y"))], **fields)
    assert (refused.status_code, "too large for one answer" in refused.text) == (409, True)
    assert "Lo ritiriamo noi." in refused.text
    assert "choose the files again" in refused.text
    many = [("files", (f"{n}.txt", b"x", "text/plain")) for n in range(11)]
    assert "too many files" in (await web.send(reference, "answer", many, **fields)).text.lower()
    elsewhere = await web.send(reference, "answer", **{**fields, "of_case": ["mail:0"]})
    assert "not among those of this case" in elsewhere.text
    assert await site.routed.rows(t.outbox, kind="reply") == []


async def test_a_flood_is_refused_before_it_is_read(site: Site) -> None:
    """By what it claims, whoever sends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.stage.port)
    head = "POST /sign-in HTTP/1.1\r\nHost: desk\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    writer.write(f"{head}Content-Length: {MOST_BYTES + 1}\r\n\r\n".encode())
    async with asyncio.timeout(60):
        status = await reader.readline()
    writer.close()
    assert b" 413 " in status


async def test_a_case_is_put_aside_and_taken_up(site: Site, web: Browser) -> None:
    """With its reason shown; the law's date is chosen with its source, stays beside ours, and does not move."""
    reference = await complaint(site, "Pacco", "Il pacco era bagnato.")
    assert 'value="delivery"' in await web.page(reference)
    assert "By law" in (await web.send(reference, "law", matter="delivery")).text
    law = await site.routed.rows(t.legal_clocks)
    until = (site.ledger.clock.now() + timedelta(days=4)).date().isoformat()
    aside = await web.send(reference, "park", until=until, reason="waiting for the customer", note="una foto")
    assert "Put aside until" in aside.text
    assert "waiting for the customer; una foto" in aside.text
    assert "By law" in aside.text
    again = await web.send(reference, "park", until=until, reason="waiting for the customer")
    assert "already" in again.text
    assert "Put aside until" not in (await web.send(reference, "resume")).text
    assert await site.routed.rows(t.legal_clocks) == law
