"""A part of the table of faults as tests; `make faults` does all rows, and ``ITACA_FAULTS=all`` does them here."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.fault.disks import NotPossibleError
from tests.fault.measuring import Sites, measure, open_sites
from tests.fault.rows import FAULTS, Fault
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer

STREAM = 100
"""Mails of a row that asks for many: ``make test`` has less time than ``make faults``."""
ROWS = [fault for fault in FAULTS if fault.is_sampled or os.environ.get("ITACA_FAULTS") == "all"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites(
    rabbit_server: RabbitServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sites]:
    """Give the running sites; a process of the tests starts them once for all the rows that it does."""
    async with open_sites(tmp_path_factory.mktemp("sites"), rabbit_server, postgres_server) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.rabbitmq
@pytest.mark.postgres
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.id)
async def test_a_fault_loses_and_doubles_nothing(fault: Fault, sites: Sites) -> None:
    """Accepted equals settled, no customer sees anything twice, and the books balance."""
    try:
        shorter = replace(fault, mails=min(fault.mails, STREAM))
        figures = await measure(await sites.get(fault.where), shorter)
    except NotPossibleError as error:
        pytest.skip(str(error))
    except BaseException:
        await sites.give_up(fault.where)
        raise
    if not figures.tally.is_clean:
        await sites.give_up(fault.where)
    assert figures.tally.problems == ()
    assert (figures.tally.lost, figures.tally.duplicates) == (0, 0)
    assert figures.tally.accepted == figures.tally.settled > 0
