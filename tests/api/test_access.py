"""Tokens: who is let in, how far, and how a no looks."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from itaca.storage.tokens import Scope, revoke_token
from services.desk.api.access import REMEMBERED
from tests.support.api import ApiDesk, problem_of
from tests.support.watched import FlakyDatabase

ASKED = "/suppressions/email/anna@posta.example"


@pytest.mark.parametrize("shown", ["", "x", "itaca_0123456789ab_" + "A" * 43, "itaca_zz_" + "A" * 43, "à"])
async def test_no_token_no_answer(api: ApiDesk, shown: str) -> None:
    """Missing, malformed or unknown: 401 with the challenge of RFC 6750."""
    client = await api.as_("")
    headers = {"authorization": f"Bearer {shown}".encode()} if shown else {}
    response = await client.get(ASKED, headers=headers)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert problem_of(response)["title"] == "Unauthorized"


async def test_a_token_does_what_its_scopes_say(api: ApiDesk) -> None:
    """403 names the scope that is missing."""
    client = await api.as_(await api.token("reader", Scope.CASES_READ))
    response = await client.get(ASKED)
    assert response.status_code == 403
    assert "suppressions:read" in problem_of(response)["detail"]
    assert 'scope="suppressions:read"' in response.headers["www-authenticate"]


async def test_a_revoked_token_is_refused_within_seconds(api: ApiDesk) -> None:
    """What was just checked may pass a few seconds more, then no longer."""
    client = await api.as_(await api.token("sender", Scope.SUPPRESSIONS_READ))
    assert (await client.get(ASKED)).status_code == 200
    now = api.desk.now
    assert await api.desk.ledger.database.write(lambda conn: revoke_token(conn, "sender", now))
    await api.desk.ledger.clock.advance(REMEMBERED)
    assert (await client.get(ASKED)).status_code == 401


async def test_an_expired_token_is_refused_at_its_hour(api: ApiDesk) -> None:
    """Also while it is remembered."""
    until = api.desk.now + timedelta(seconds=3)
    client = await api.as_(await api.token("short", Scope.SUPPRESSIONS_READ, expires_at=until))
    assert (await client.get(ASKED)).status_code == 200
    await api.desk.pass_time(seconds=3)
    assert (await client.get(ASKED)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/cancellations", 405),
        ("GET", "/cancellations/IT-00000-00000", 404),
        ("GET", "/cancellations/none", 422),
        ("GET", "/suppressions/phone/1", 422),
        ("GET", "/cancellations?limit=0", 422),
        ("POST", "/activities", 422),
    ],
)
async def test_every_no_is_a_problem(api: ApiDesk, method: str, path: str, status: int) -> None:
    """Also those of the framework: problem details, with the faults of the request by place."""
    response = await api.client.request(method, path)
    assert response.status_code == status
    found = problem_of(response)
    assert (status != 422) or found["errors"][0]["where"]


async def test_faults_repeat_nothing_of_the_request(api: ApiDesk) -> None:
    """What was sent may hold personal data, and answers end in logs."""
    response = await api.post("/activities", {"system": "b", "id": "1", "kind": "rossi", "happened_at": "ieri"})
    assert response.status_code == 422
    assert "rossi" not in response.text
    assert {fault["where"] for fault in problem_of(response)["errors"]} == {"body.kind", "body.happened_at"}


async def test_a_ledger_that_is_away_is_503_with_a_time(api: ApiDesk, tmp_path: object) -> None:
    """The asker is told when to come again, and nothing of the fault."""
    flaky = FlakyDatabase(api.desk.ledger.database)
    broken = ApiDesk(api.desk, tmp_path, flaky)  # type: ignore[arg-type]
    client = await broken.as_(await api.token("sender"))
    flaky.refuses = 1
    response = await client.get(ASKED)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert problem_of(response)["detail"] == "the ledger cannot answer now"
    await broken.close()


class BuggyDatabase:
    """Fails as code of ours would, with a customer's address in the text."""

    async def read(self, work: object) -> object:
        raise RuntimeError("anna@posta.example")


async def test_what_nobody_foresaw_is_in_the_log_with_its_place(api: ApiDesk, tmp_path: object) -> None:
    """500 says so and no more; the log has the type and the place, which hold nobody's data."""
    broken = ApiDesk(api.desk, tmp_path, BuggyDatabase())  # type: ignore[arg-type]
    client = await broken.as_("itaca_0123456789ab_" + "A" * 43)
    with capture_logs() as logged:
        response = await client.get("/cases")
    assert (response.status_code, "anna" in response.text + str(logged)) == (500, False)
    (line,) = logged
    assert (line["event"], line["error"]) == ("desk.request_failed", "RuntimeError")
    assert line["where"].startswith("test_access.py:")
    await broken.close()
