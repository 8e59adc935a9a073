"""The watch's duties about time: each is done in a round, and none of them twice."""

from collections import Counter

import pytest

from itaca.cases.law.clock import Law
from itaca.cases.law.rules import load_pack
from itaca.cases.policy import Policy
from itaca.storage import tables as t
from services.watch.clocks import Clocks
from tests.contract.following_contract import break_all
from tests.support.routed import COMPLAINT, Desk

ENERGY = Policy(law=Law(load_pack(), "energy"))


@pytest.fixture
def clocks(desk: Desk) -> Clocks:
    """Give the duties on the test's ledger."""
    ledger = desk.ledger
    return Clocks(ledger.database, ledger.clock, ledger.rng, ENERGY)


async def test_a_month_of_silence_ends_at_the_top_and_on_the_list(desk: Desk, clocks: Clocks) -> None:
    """The legal term breaks, nobody is there to take the case, and the list leaves once a working day."""
    await desk.settle(COMPLAINT, policy=ENERGY)
    for _ in range(40):
        await desk.pass_time(days=1)
        await break_all(desk)
        for duty in (clocks.legal_terms, clocks.owners, clocks.daily_list, clocks.daily_list, clocks.values):
            await duty()
    kinds = Counter(row.kind for row in await desk.rows(t.case_events))
    assert (kinds["legal_term_near"], kinds["legal_term_broken"]) == (1, 1)
    lists = await desk.rows(t.outbox, kind="daily_list")
    assert 15 <= len(lists) == len({row.created_at for row in lists}) <= 30
