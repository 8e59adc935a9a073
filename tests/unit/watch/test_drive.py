"""Unsettled mail is driven again, with growing pauses, until a person decides."""

import pytest
from sqlalchemy import text

from itaca.contracts.intents import MailOutcome
from itaca.errors import TransientError
from itaca.storage.mails import load_mails
from itaca.storage.routing import Waiting
from tests.support.case_facts import mail_text
from tests.support.routed import COMPLAINT, NOTHING, Desk
from tests.support.watched import Watch


async def test_nothing_is_driven_before_its_time(watch: Watch) -> None:
    """A minute after acceptance, and not in the next round again."""
    mail_id = await watch.desk.take(mail_text())
    assert await watch.round(seconds=59) == []
    assert await watch.round(seconds=1) == [mail_id]
    assert watch.driver.read == {mail_id}
    assert await watch.round(seconds=2) == []


async def test_pauses_double(watch: Watch) -> None:
    """60, 120, 240 and 480 s: four drives until the quarter of an hour is over."""
    await watch.desk.take(mail_text())
    driven = [second for second in range(0, 890, 10) if await watch.round(seconds=10 if second else 0)]
    assert driven == [60, 180, 420]


async def test_a_silent_classifier_ends_with_a_person(watch: Watch) -> None:
    """After the limit the mail is a review case; the owner reads why; nothing is driven any more."""
    mail_id = await watch.desk.take(mail_text())
    for _ in range(89):
        await watch.round(seconds=10)
    assert await watch.desk.cases() == []
    for _ in range(3):
        await watch.round(seconds=10)
    assert await watch.reasons() == ["the classifier has not answered for 15 minutes"]
    (row,) = (await watch.desk.ledger.database.read(lambda c: load_mails(c, [mail_id]))).values()
    assert (row.outcome, row.settled_by) == (MailOutcome.REVIEW, "watch")
    assert await watch.round(hours=3) == []
    assert watch.metrics.settled.labels("review")._value.get() == 1


async def test_a_standstill_gives_no_mail_up_untried(watch: Watch) -> None:
    """Itaca was down for hours: what it had accepted just before is read and judged first, however old it is."""
    unread, read = await watch.desk.take(), await watch.desk.take(mail_text())
    assert set(await watch.round(hours=5)) == {unread, read}
    assert set(await watch.round(minutes=3)) == {unread, read}
    assert await watch.desk.cases() == []
    await watch.round(minutes=30)
    assert sorted(await watch.reasons()) == [
        "the classifier has not answered for 333 minutes",
        "the mail could not be read in 3 attempts",
    ]


async def test_lm28_a_mail_that_kills_its_reader_goes_to_a_person(watch: Watch) -> None:
    """LM28: three strikes without a text, counted before the work, long before the limit of time."""
    poison, good = await watch.desk.take(), await watch.desk.take(mail_text())
    driven = []
    for _ in range(60):
        driven += await watch.round(seconds=10)
    assert driven.count(poison) == 2
    assert driven.count(good) == 3
    assert await watch.reasons() == ["the mail could not be read in 3 attempts"]


async def test_mail_behind_the_newest_settled_one_waits_its_turn(watch: Watch) -> None:
    """While the router settles mail, what came later is in line and is not driven."""
    desk = watch.desk
    first = await desk.take(mail_text())
    await desk.pass_time(seconds=1)
    settled = await desk.take(mail_text())
    await desk.pass_time(seconds=1)
    later = await desk.take(mail_text())
    await desk.pass_time(seconds=70)
    await desk.route(Waiting(settled, NOTHING))
    assert await watch.round(seconds=1) == [first]
    assert await watch.round(seconds=28) == []
    assert await watch.round(seconds=2) == [later]


async def test_a_long_line_is_no_reason_for_a_review(watch: Watch) -> None:
    """An hour of backlog that moves on opens no case for mail whose turn has not come."""
    desk = watch.desk
    mails = []
    for _ in range(8):
        await desk.pass_time(seconds=1)
        mails.append(await desk.take(mail_text()))
    for mail_id in mails:
        await desk.pass_time(minutes=20)
        await desk.route(Waiting(mail_id, NOTHING))
        assert await watch.round(seconds=5) == []
    assert await desk.cases() == []


async def test_what_a_person_settled_is_no_sign_of_a_router(watch: Watch) -> None:
    """Reviews by the watch itself do not hold the line back."""
    old = await watch.desk.take(mail_text())
    await watch.desk.pass_time(seconds=1)
    newer = await watch.desk.take(mail_text())
    await watch.drive.review({old: "dead letter"})
    assert await watch.round(seconds=70) == [newer]


async def test_two_watches_share_the_work(watch: Watch) -> None:
    """What one has claimed the other leaves alone."""
    second = Watch(watch.desk)
    mails = [await watch.desk.take(mail_text()) for _ in range(6)]
    await watch.desk.pass_time(seconds=61)
    await watch.drive.run()
    await second.drive.run()
    assert (sorted(watch.driver.take()), second.driver.take()) == (sorted(mails), [])


async def test_a_batch_is_bounded(desk: Desk) -> None:
    """A round takes so many mails at most; the next one takes the rest."""
    watch = Watch(desk, batch_size=4)
    mails = [await desk.take(mail_text()) for _ in range(6)]
    assert len(await watch.round(seconds=61)) == 4
    assert len(await watch.round(seconds=1)) == 2
    assert len(mails) == 6


async def test_a_ledger_that_is_away_costs_a_round(watch: Watch) -> None:
    """Nothing is lost: the mail is driven when the ledger is back."""
    mail_id = await watch.desk.take(mail_text())
    watch.database.refuses = 1
    with pytest.raises(TransientError):
        await watch.round(seconds=61)
    assert await watch.round(seconds=1) == [mail_id]


async def test_a_review_that_fails_keeps_nothing_else_from_its_way(watch: Watch) -> None:
    """What was claimed beside it would else wait for its next date, a quarter of an hour away."""
    poison = await watch.desk.take()
    for _ in range(2):
        await watch.round(minutes=16)
    later = await watch.desk.take(mail_text())
    watch.database.grace, watch.database.refuses = 2, 1
    with pytest.raises(TransientError):
        await watch.round(minutes=16)
    assert watch.driver.take() == [later]
    await watch.round(minutes=16)
    assert await watch.reasons() == ["the mail could not be read in 3 attempts"]
    assert (await watch.desk.ledger.database.read(lambda c: load_mails(c, [poison])))[poison].is_settled


async def test_a_mail_settled_meanwhile_is_left_alone(watch: Watch) -> None:
    """The watch gives a mail up in the moment the router settles it: one outcome, one case."""
    mail_id = await watch.desk.settle(COMPLAINT)
    await watch.drive.review({mail_id: "the classifier has not answered"})
    assert [c.kind for c in await watch.desk.cases()] == ["complaint"]


async def test_lm28_one_refused_review_keeps_no_other_waiting(watch: Watch) -> None:
    """LM28: a mail that the ledger refuses to settle stays loud in the books; the next one is settled."""
    bad, good = await watch.desk.take(mail_text()), await watch.desk.take(mail_text(sender="b@posta.example"))
    refuse = text(
        "CREATE TRIGGER unlucky BEFORE UPDATE ON mails WHEN NEW.id = '" + bad + "' "
        "BEGIN SELECT RAISE(ABORT, 'unlucky'); END"
    )
    await watch.desk.ledger.database.write(lambda c: c.execute(refuse))
    await watch.drive.review({bad: "why", good: "why"})
    rows = await watch.desk.ledger.database.read(lambda c: load_mails(c, [bad, good]))
    assert (rows[bad].is_settled, rows[good].is_settled) == (False, True)
