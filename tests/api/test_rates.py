"""How fast a token may ask: told when to come back, apart from every other token."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from itaca.clock import ManualClock
from itaca.contracts.intents import CaseStatus
from services.desk.api.problems import RefusedError
from services.desk.api.rates import Buckets, Kind, Rates
from services.desk.api.told import CaseTold, MatterTold
from services.desk.settings import DeskSettings
from tests.support.api import ApiDesk, open_api, problem_of
from tests.support.ledger import NOW

NOTE = {"summary": "Ha chiamato.", "channel": "call", "at": "2026-03-09T08:00:00Z", "email": "a@posta.example"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiDesk]:
    """Give an API that lets two readings and one change a second through."""
    async with open_api(tmp_path, api_reads_per_s=2, api_writes_per_s=0.5) as made:
        yield made


async def test_who_asks_too_fast_is_told_when_to_come_back(api: ApiDesk) -> None:
    """Two seconds' worth at once, then 429 as a problem with Retry-After, and after that time it goes on."""
    found = [await api.get("/cases") for _ in range(5)]
    assert [one.status_code for one in found] == [200, 200, 200, 200, 429]
    assert (problem_of(found[-1])["title"], found[-1].headers["retry-after"]) == ("Too Many Requests", "1")
    await api.desk.pass_time(seconds=1)
    assert [(await api.get("/cases")).status_code for _ in range(3)] == [200, 200, 429]


async def test_others_and_other_requests_are_not_held_up(api: ApiDesk) -> None:
    """Another token has a bucket of its own, changes have another than readings, and checks have none."""
    assert [(await api.get("/cases")).status_code for _ in range(5)][-1] == 429
    other = await api.as_(await api.token("other"))
    assert (await other.get("/cases")).status_code == 200
    assert (await api.client.post("/interactions", json=NOTE)).status_code == 201
    refused = await api.client.post("/interactions", json={**NOTE, "summary": "Ha richiamato."})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    checks = [(await api.get("/suppressions/email/a@posta.example")).status_code for _ in range(50)]
    assert set(checks) == {200}


async def test_a_bucket_never_holds_more_than_two_seconds() -> None:
    """A night of silence does not make up for a flood in the morning."""
    clock = ManualClock(NOW)
    buckets = Buckets(Rates.of(DeskSettings(api_checks_per_s=3)), clock)
    buckets.take("a", Kind.CHECK)
    await clock.advance(timedelta(hours=8))
    for _ in range(6):
        buckets.take("a", Kind.CHECK)
    with pytest.raises(RefusedError):
        buckets.take("a", Kind.CHECK)


async def test_the_description_names_the_limit_and_what_is_told(api: ApiDesk) -> None:
    """429 with its header at every operation; a webhook for every event, whose model takes what is sent."""
    described = (await api.get("/openapi.json")).json()
    operations = [one for path in described["paths"].values() for one in path.values()]
    assert {"Retry-After" in one["responses"]["429"]["headers"] for one in operations} == {True}
    assert len(described["webhooks"]) == 8
    facts = {"reference": "IT-7K3F2-9Q0XZ", "kind": "complaint", "status": CaseStatus.OPEN, "outcome": None}
    facts |= {"severity": 1, "level": 0, "contacts": 1, "opened_at": NOW, "activity_kind": "charge"}
    CaseTold.model_validate({"id": "x", "type": "case.opened", "timestamp": NOW, "data": facts})
    assert "OrderHandoff" in str(MatterTold.model_json_schema())
