"""The draw of the standing audit: who may be drawn, and a share that follows the traffic."""

import random
from bisect import bisect
from datetime import UTC, datetime, timedelta

import pytest

from itaca.cases.decision import decide
from itaca.cases.policy import Policy
from itaca.cases.sampling import Sampler, days_covered, is_unseen
from itaca.mail.model import AutomaticKind
from tests.support.case_facts import facts, judgement, known_case, mail_text, standing

START = datetime(2026, 3, 1, tzinfo=UTC)


def unseen(mail, *cases, linked=()) -> bool:
    """Decide about the mail and say whether nobody sees it."""
    return is_unseen(mail, decide(mail, standing(*cases, linked=linked), Policy()))


class Months:
    """Traffic over many days, a transaction an hour, with what the ledger would remember of the draws."""

    def __init__(self, per_month: float, seed: int = 1) -> None:
        self.per_month, self.rng = per_month, random.Random(seed)
        self.drawn: list[tuple[datetime, float]] = []
        self.now = START

    def pass_days(self, days: int, mails_per_hour: int) -> int:
        """Let mail come for some days and return how many were drawn."""
        before = len(self.drawn)
        for _ in range(days * 24):
            self.now += timedelta(hours=1)
            since = bisect(self.drawn, (self.now - timedelta(days=30), 1.0))
            recent = self.drawn[since:]
            covered = days_covered(recent[0][0] if recent else None, self.now)
            sampler = Sampler(self.per_month, self.rng, sum(1 / share for _, share in recent), covered)
            shares = [sampler.draw() for _ in range(mails_per_hour)]
            self.drawn += [(self.now, share) for share in shares if share is not None]
        return len(self.drawn) - before


def test_what_only_a_machine_saw_may_be_drawn() -> None:
    """Noted mail, an order that went to the order system alone, and filed automatic mail that was judged."""
    assert unseen(facts(judgement()))
    assert unseen(facts(judgement("Y")))
    away = mail_text(automatic=AutomaticKind.AUTO_REPLY)
    assert unseen(facts(judgement(), away))


@pytest.mark.parametrize(
    "letters", [("N", "Y"), ("N", "U"), ("Y", "Y"), ("N", "N", "Y"), ("Y", "N", "U"), ("U",)], ids="".join
)
def test_what_a_person_sees_is_never_drawn(letters: tuple[str, ...]) -> None:
    """A complaint, a cancellation, a doubt: each has a case that somebody owns."""
    assert not unseen(facts(judgement(*letters)))


def test_a_review_or_a_reply_is_never_drawn() -> None:
    """A person looks at mail that nobody judged, at a doubt in words, and at replies on a case."""
    assert not unseen(facts(None, review_reason="the classifier is silent"))
    assert not unseen(facts(judgement("N", "N", "N", "many invisible characters")))
    case = known_case()
    assert not unseen(facts(judgement()), case, linked=(case,))


@pytest.mark.parametrize("kind", [AutomaticKind.BOUNCE, AutomaticKind.RECEIPT])
def test_reports_of_machines_are_not_drawn(kind: AutomaticKind) -> None:
    """A wave of bounces would fill the sample with mail that nobody wrote."""
    assert not unseen(facts(judgement(), mail_text(automatic=kind)))


def test_little_traffic_is_drawn_whole() -> None:
    """Where fewer mails come than are wanted, each is checked, at share 1."""
    rng = random.Random(1)
    shares = [Sampler(300, rng, 9.0 * day, float(day)).draw() for day in range(1, 31)]
    assert shares == [1.0] * 30


@pytest.mark.parametrize("mails_per_hour", [5, 40, 400])
def test_a_month_of_traffic_gives_a_months_sample(mails_per_hour: int) -> None:
    """From the first day of a new ledger, whatever its traffic."""
    months = Months(per_month=300)
    first = months.pass_days(30, mails_per_hour)
    later = months.pass_days(30, mails_per_hour) + months.pass_days(30, mails_per_hour)
    assert 250 <= first <= 420
    assert 2 * 240 <= later <= 2 * 360


def test_the_share_follows_the_traffic_up_and_down() -> None:
    """Ten times the mail is not ten times the work, and a tenth of it still gives a sample within two months."""
    months = Months(per_month=300)
    months.pass_days(60, mails_per_hour=15)
    assert months.pass_days(30, mails_per_hour=150) < 300 * 4
    assert 200 <= months.pass_days(30, mails_per_hour=150) <= 400
    months.pass_days(30, mails_per_hour=15)
    assert 200 <= months.pass_days(30, mails_per_hour=15) <= 400


def test_a_flood_in_one_transaction_is_bounded() -> None:
    """A thousand times a day's ration within a moment gives a few rations: each mail lowers the share of the next."""
    sampler = Sampler(300, random.Random(4))
    drawn = [share for share in (sampler.draw() for _ in range(10_000)) if share is not None]
    assert 30 <= len(drawn) <= 150
    assert drawn[:10] == [1.0] * 10
    assert drawn[-1] < 0.01


def test_the_same_seed_draws_the_same_mails() -> None:
    """Chance comes from outside; another seed draws others."""
    draws = [[Sampler(10, random.Random(seed), 900, 30).draw() for _ in range(1)] for seed in range(300)]
    again = [[Sampler(10, random.Random(seed), 900, 30).draw() for _ in range(1)] for seed in range(300)]
    assert draws == again
    assert 0 < sum(share is not None for (share,) in draws) < 30


def test_each_mail_has_the_same_chance() -> None:
    """In steady traffic neither the first nor the last mail of a transaction is preferred."""
    hits = [0, 0]
    for seed in range(4_000):
        sampler = Sampler(300, random.Random(seed), 3_000, 30)
        shares = [sampler.draw() for _ in range(20)]
        hits[0] += shares[0] is not None
        hits[1] += shares[-1] is not None
    assert hits[0] == pytest.approx(400, rel=0.15)
    assert hits[1] == pytest.approx(400, rel=0.15)


def test_an_estimate_covers_a_day_to_a_month() -> None:
    """No draw yet, one of this morning, one of last week, one on the edge."""
    days = [None, START - timedelta(hours=3), START - timedelta(days=7), START - timedelta(days=31)]
    assert [days_covered(oldest, START) for oldest in days] == [1.0, 1.0, 7.0, 30.0]
