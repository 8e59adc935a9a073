"""Measure the pages of the desk and the lists of the API on a ledger of many cases.

Run ``python -m benchmarks.desk``, with ``--postgres`` on a PostgreSQL of its own. The desk runs in this process, on
the event loop of production, and answers one request after the other; the pages alternate with one that needs no
ledger, because the machines are noisy. Milliseconds are medians: of the clock, which is what people wait, and of this
process's CPU, which says the same on a busy machine (the asking client is in it, a PostgreSQL server is not). What
counts is that no page exceeds 100.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import uvloop

from benchmarks.desk_ledger import fill, hours_of, talk
from itaca.storage.books import close_page
from itaca.storage.tokens import Scope, add_token
from tests.support.desk_site import Site, judgement, letter, open_site
from tests.support.desk_web import sign_in
from tests.support.postgres import fresh_server

OWNER = "Giulia Ferri"
"""Of all open cases."""
TARGET_MS = 100.0
NULL = "/static/desk.css"
_WAYS = {
    "next": re.compile(r'rel="next" href="([^"]+)"'),
    "customer": re.compile(r'href="(/customers/[^"?]+)"'),
}
_WRITER = "roban@posta.example"
_LETTER = letter("Dove sono i libri?", "Ho ordinato tre libri e non è arrivato niente.", _WRITER)
API = (
    "/v1/cases",
    "/v1/cases?kind=order",
    "/v1/cases?status=open&kind=cancellation",
    "/v1/cases?owner=giulia@bottega.example",
    f"/v1/cases?customer={_WRITER}",
    "/v1/cancellations",
)


async def prepare(site: Site, cases: int) -> tuple[str, str]:
    """Fill the ledger; return the reference of the case with many mails, and a token of the API."""
    await site.receive(_LETTER, judgement(complaint="Y"))
    reference = await site.reference()
    await site.give_to(OWNER, reference)
    database, now, rng = site.ledger.database, site.ledger.clock.now(), site.ledger.rng
    await fill(database, now, cases - 1, rng)
    await talk(database, reference, now, 500, rng)
    for moment in hours_of(now):
        await database.write(lambda conn, at=moment: close_page(conn, at))
    scopes = [Scope.CASES_READ, Scope.CANCELLATIONS_READ]
    return reference, await database.write(lambda conn: add_token(conn, "bench", scopes, now))


async def way(web: httpx.AsyncClient, page: str, which: str) -> str:
    """Return where a page leads."""
    found = _WAYS[which].search((await web.get(page)).text)
    assert found is not None, (page, which)
    return found[1].replace("&amp;", "&")


async def pages_of(web: httpx.AsyncClient, reference: str) -> list[str]:
    """Return every page that is measured, second pages and searches among them."""
    case = f"/cases/{reference}"
    second = [await way(web, page, "next") for page in ("/", "/cases", "/cancellations")]
    searches = [f"/cases?q={words}" for words in ("c77@posta.example", "IT-00000-00000", "mario+rossi", "haddad+77")]
    lists = ["/", "/cases", "/cases?kind=cancellation", "/review", "/review?blind=true", "/cancellations"]
    rest = ["/cancellations?show=violated", await way(web, case, "customer"), "/flow", "/value", "/people"]
    return [NULL, "/sign-in", *lists, *second, *searches, case, *rest, *API]


async def measure(site: Site, reference: str, token: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the medians of each page for somebody who is signed in: milliseconds of the clock and of the CPU."""
    async with httpx.AsyncClient(base_url=site.url, timeout=60) as web:
        await sign_in(web, OWNER)
        pages = await pages_of(web, reference)
        taken: dict[str, list[tuple[float, float]]] = {page: [] for page in pages}
        for _ in range(rounds):
            for page in pages:
                headers = {"authorization": f"Bearer {token}"} if page.startswith("/v1/") else {}
                began, worked = time.perf_counter(), time.process_time()
                answer = await web.get(page, headers=headers)
                taken[page].append(((time.perf_counter() - began) * 1e3, (time.process_time() - worked) * 1e3))
                assert answer.status_code == 200, (page, answer.status_code)
    return {page: (_median(found, 0), _median(found, 1)) for page, found in taken.items()}


def _median(found: list[tuple[float, float]], which: int) -> float:
    return statistics.median(one[which] for one in found)


async def run(cases: int, rounds: int, url: str, after_filling: Callable[[], None]) -> None:
    """Fill, measure and print."""
    with tempfile.TemporaryDirectory(prefix="itaca-bench-") as folder:
        async with open_site(Path(folder), url) as site:
            began = time.perf_counter()
            reference, token = await prepare(site, cases)
            after_filling()
            print(f"{cases} cases, written in {time.perf_counter() - began:.0f} s")
            found = await measure(site, reference, token, rounds)
    for page, (waited, worked) in found.items():
        mark = "" if waited < TARGET_MS else "   TOO SLOW"
        times = worked / found[NULL][1]
        print(f"{page[:72]:72s} {waited:8.1f} ms {worked:8.1f} ms of CPU {times:6.1f} times {NULL}{mark}")


@contextlib.contextmanager
def server(is_postgres: bool) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give the address of a ledger, empty for SQLite, and what a server does in the night after so many rows."""
    if not is_postgres:
        yield "", lambda: None
        return
    with contextlib.contextmanager(fresh_server)() as running:
        name = running.new_database()
        yield running.url(name), lambda: print(running.sql("VACUUM ANALYZE", database=name), end="")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    arguments = parser.parse_args()
    with (
        server(arguments.postgres) as (url, after_filling),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(arguments.cases, arguments.rounds, url, after_filling))


if __name__ == "__main__":
    main()
