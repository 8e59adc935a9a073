"""Measure the pages of the desk on a ledger of many cases.

Run ``python -m benchmarks.desk``. One complaint goes the whole way; then its rows are copied until there are as many
cases as asked for, a fifth of them open and all of these owned by one person. The desk runs in this process on SQLite
and answers one request after the other; the pages alternate with one that needs no ledger, because the machines are
noisy. Milliseconds are medians; what counts is that no page exceeds 100.
"""

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, insert, select

from itaca.contracts.ids import new_reference, uuid7
from itaca.storage import tables as t
from tests.support.desk_site import PASSWORD, Site, address_of, judgement, letter, open_site

OWNER = "Giulia Ferri"
TARGET_MS = 100.0
NULL = "/static/desk.css"
_BATCH = 5_000
_FORM = re.compile(r'name="token" value="([^"]+)"')
_LETTER = letter("Dove sono i libri?", "Ho ordinato tre libri e non è arrivato niente.", "roban@posta.example")


def copies(conn: Connection, site: Site, count: int) -> Iterator[dict[Any, list[dict[str, Any]]]]:
    """Yield the rows of ``count`` more cases like the one there is, some thousand cases at a time."""
    rng, now = site.ledger.rng, site.ledger.clock.now()
    tables = (t.customers, t.mails, t.mail_texts, t.cases, t.case_mails, t.promises, t.case_events, t.interactions)
    first = {table: dict(conn.execute(select(table)).mappings().first() or {}) for table in tables}
    for start in range(0, count, _BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in tables}
        for number in range(start, min(start + _BATCH, count)):
            new = {name: uuid7(now, rng) for name in ("customer_id", "mail_id", "case_id")}
            for table in tables:
                own = {name: new[name] for name in new if name in table.c}
                rows[table].append({**first[table], **({"id": uuid7(now, rng)} if "id" in table.c else {}), **own})
            customer, mail, _, case, link, promise, event, contact = (rows[table][-1] for table in tables)
            customer["id"], mail["id"], case["id"] = new["customer_id"], new["mail_id"], new["case_id"]
            mail["digest"], case["reference"], case["opened_by"] = new["mail_id"], new_reference(rng), new["mail_id"]
            case["opened_at"] += number
            promise["due_at"] += number
            contact["outbox_id"] = event["mail_id"] = None
            link["role"] = "opened"
            if number % 5:
                case.update(status="closed", outcome="answered", closed_at=case["opened_at"])
                promise.update(state="kept", ended_at=case["opened_at"])
        yield rows


def fill(conn: Connection, site: Site, count: int) -> None:
    """Write the copies."""
    for rows in copies(conn, site, count):
        for table, values in rows.items():
            conn.execute(insert(table), values)


async def measure(site: Site, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each page for somebody who is signed in."""
    reference = await site.reference()
    pages = (NULL, "/", "/cases", f"/cases/{reference}", "/review", "/flow", "/cancellations", "/people")
    taken: dict[str, list[float]] = {page: [] for page in pages}
    async with httpx.AsyncClient(base_url=site.url, timeout=60) as web:
        token = _FORM.search((await web.get("/sign-in")).text)
        assert token is not None
        form = {"token": token[1], "email": address_of(OWNER), "password": PASSWORD, "next": "/"}
        await web.post("/sign-in", data=form)
        for _ in range(rounds):
            for page in pages:
                began = time.perf_counter()
                answer = await web.get(page)
                taken[page].append((time.perf_counter() - began) * 1e3)
                assert answer.status_code == 200, (page, answer.status_code)
    return {page: statistics.median(values) for page, values in taken.items()}


async def run(cases: int, rounds: int) -> None:
    """Fill, measure and print."""
    with tempfile.TemporaryDirectory(prefix="itaca-bench-") as folder:
        async with open_site(Path(folder)) as site:
            await site.receive(_LETTER, judgement(complaint="Y"))
            await site.give_to(OWNER, await site.reference())
            await site.ledger.database.write(lambda conn: fill(conn, site, cases - 1))
            found = await measure(site, rounds)
    print(f"{cases} cases")
    for page, milliseconds in found.items():
        ratio = milliseconds / found[NULL]
        print(f"{page:24s} {milliseconds:8.1f} ms   {ratio:5.1f} times {NULL}   (target {TARGET_MS:g} ms)")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.cases, arguments.rounds))


if __name__ == "__main__":
    main()
