"""What the form of a contact says when the ledger refuses it."""

from pathlib import Path

import httpx

from tests.support.case_facts import judgement
from tests.support.desk_site import letter, open_site
from tests.support.desk_web import fill_in, sign_in


async def test_a_contact_is_known_already_only_when_it_is(tmp_path: Path) -> None:
    """The same call again is said to be there; what another rule forbids is said to be forbidden, words kept."""
    async with open_site(tmp_path) as site, httpx.AsyncClient(base_url=site.url, timeout=30) as web:
        await site.receive(letter("Pacco", "È rotto.", "n@posta.example"), judgement("N", "Y"))
        path = f"/cases/{await site.reference()}/contact"
        await sign_in(web, "Anna Neri")
        call = {"channel": "call", "direction": "in", "at": "2026-01-02T10:00", "says": "Ha chiamato."}
        assert (await fill_in(web, path, call)).status_code == 303
        again = await fill_in(web, path, call)
        assert (again.status_code, "già annotato" in again.text) == (409, True)

        refusing = "CREATE TRIGGER no_more BEFORE INSERT ON interactions BEGIN SELECT RAISE(ABORT, 'no more'); END"
        await site.ledger.database.write(lambda conn: conn.exec_driver_sql(refusing))
        refused = await fill_in(web, path, call | {"says": "Ha richiamato."})
        assert (refused.status_code, "già annotato" in refused.text) == (409, False)
        assert "Una regola non lo permette" in refused.text
        assert "Ha richiamato." in refused.text
