"""The figures of the standing audit on the metrics page."""

from datetime import timedelta

import pytest

from itaca.contracts.intents import Intent
from itaca.errors import TransientError
from itaca.observability.metrics import Metrics
from itaca.storage.audit_answers import answer_sample
from itaca.storage.routing import Waiting
from services.watch.audit import AuditFigures
from tests.support.case_facts import mail_text
from tests.support.routed import NOTHING, POLICY, Desk
from tests.support.watched import FlakyDatabase


class Page:
    """A metrics page with the audit's figures on a test ledger."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.metrics = desk, Metrics()
        self.database = FlakyDatabase(desk.ledger.database)
        self.figures = AuditFigures(self.database, desk.ledger.clock, self.metrics)

    def bound(self, language: str) -> float | None:
        return self.metrics.registry.get_sample_value("itaca_elusion_upper_bound", {"language": language})

    def samples(self) -> list[float | None]:
        value = self.metrics.registry.get_sample_value
        return [value("itaca_audit_samples", {"state": state}) for state in ("waiting", "checked")]

    async def check(self, *intents: Intent) -> None:
        """Let a mail pass, draw it, and answer its check."""
        desk = self.desk
        mail_id = await desk.take(mail_text())
        await desk.route(Waiting(mail_id, NOTHING), audit_per_month=300)
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(
            lambda c: answer_sample(c, mail_id, intents, "agent@shop.example", now, POLICY, rng)
        )


@pytest.fixture
def page(desk: Desk) -> Page:
    """Give a page that shows nothing yet."""
    return Page(desk)


async def test_without_a_check_nothing_is_proven(page: Page) -> None:
    """The bound of an empty ledger is 1, not 0."""
    await page.figures.run()
    assert (page.bound("all"), page.samples()) == (1.0, [0.0, 0.0])


async def test_checks_lower_the_bound_and_misses_raise_it(page: Page) -> None:
    """By language and in all; the figures are counted once a minute."""
    await page.check()
    await page.figures.run()
    assert (page.bound("it"), page.samples()) == (pytest.approx(0.95), [0.0, 1.0])
    await page.check(Intent.COMPLAINT)
    await page.figures.run()
    assert page.samples() == [0.0, 1.0]
    await page.desk.ledger.clock.advance(timedelta(minutes=1))
    await page.figures.run()
    assert page.samples() == [0.0, 2.0]
    assert page.bound("all") == pytest.approx(0.9747, abs=1e-4)


async def test_a_ledger_that_is_away_is_asked_again_in_the_next_round(page: Page) -> None:
    """Old figures stay until new ones can be read."""
    page.database.refuses = 1
    with pytest.raises(TransientError):
        await page.figures.run()
    await page.figures.run()
    assert page.bound("all") == 1.0
