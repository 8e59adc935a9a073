"""A model of the ledger that any order of operations is compared with, on a real database."""

import asyncio
import random
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from itaca.clock import ManualClock
from itaca.contracts.ids import MailId, OutboxId
from itaca.contracts.intents import MailOutcome, OutboxKind, OutboxState
from itaca.mail.model import MailText
from itaca.storage import books, mails, outbox
from itaca.storage.database import Database
from itaca.storage.intake import Intake
from tests.support.ledger import ENVELOPE, NOW

OUTCOMES = st.sampled_from([MailOutcome.FILED, MailOutcome.NOTED])
ENDS = st.sampled_from([OutboxState.SENT, OutboxState.FAILED])
MODEL_SETTINGS = settings(max_examples=8, stateful_step_count=20, deadline=None)


class LedgerModel(RuleBasedStateMachine):
    """The same operations on plain dictionaries and on a database; ``open`` is given by the adapter's test."""

    accepted = Bundle("accepted")
    queued = Bundle("queued")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.runner.run(self.open())
        self.clock = ManualClock(NOW)
        self.intake = Intake(self.database, self.clock, random.Random(1))
        self.raw: dict[bytes, MailId] = {}
        self.outcomes: dict[MailId, MailOutcome | None] = {}
        self.attempts: dict[MailId, int] = {}
        self.drive_at: dict[MailId, datetime] = {}
        self.entries: dict[OutboxId, str] = {}
        self.due_at: dict[OutboxId, datetime] = {}

    async def open(self) -> Database:
        """Return a fresh ledger."""
        raise AssertionError("the adapter's test says how")

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()

    @rule(target=accepted, raw=st.binary(max_size=3))
    def accept(self, raw: bytes) -> MailId:
        """Take a mail in; few different bytes, so that duplicates are common."""
        answer = self.runner.run(self.intake.accept(ENVELOPE, raw, "model"))
        assert answer.is_duplicate == (raw in self.raw)
        if not answer.is_duplicate:
            self.raw[raw] = answer.mail_id
            self.outcomes[answer.mail_id], self.attempts[answer.mail_id] = None, 1
            self.drive_at[answer.mail_id] = self.clock.now() + timedelta(seconds=60)
        assert self.raw[raw] == answer.mail_id
        return answer.mail_id

    @rule(mail_id=accepted, outcome=OUTCOMES)
    def settle(self, mail_id: MailId, outcome: MailOutcome) -> None:
        """Settle it; only the first time counts."""
        at = self.clock.now()
        won = self.runner.run(self.database.write(lambda c: mails.settle(c, mail_id, outcome, "model", at)))
        assert won == (self.outcomes[mail_id] is None)
        self.outcomes[mail_id] = self.outcomes[mail_id] or outcome

    @rule(mail_id=accepted, subject=st.text(max_size=5))
    def save_text(self, mail_id: MailId, subject: str) -> None:
        """Save a text and read it back."""
        saved = MailText(subject=subject)
        self.runner.run(self.database.write(lambda c: mails.save_texts(c, [(mail_id, saved)])))
        assert self.runner.run(self.database.read(lambda c: mails.load_texts(c, [mail_id]))) == {mail_id: saved}

    @rule(seconds=st.integers(1, 2000))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.runner.run(self.clock.advance(timedelta(seconds=seconds)))

    @rule(limit=st.integers(1, 5))
    def drive(self, limit: int) -> None:
        """Claim what is due to be driven again."""
        now = self.clock.now()
        rows = self.runner.run(self.database.write(lambda c: mails.claim_unsettled(c, now, limit)))
        due = {i for i, at in self.drive_at.items() if at <= now and self.outcomes[i] is None}
        assert {row.id for row in rows} <= due
        assert len(rows) == min(limit, len(due))
        for row in rows:
            pause_s = min(60 * 2 ** self.attempts[row.id], 900)
            self.attempts[row.id] += 1
            self.drive_at[row.id] = now + timedelta(seconds=pause_s)
            assert (row.attempts, row.drive_at) == (self.attempts[row.id], self.drive_at[row.id])

    @rule(target=queued, key=st.sampled_from("abc"), number=st.integers(0, 10**6))
    def enqueue(self, key: str, number: int) -> OutboxId:
        """Put something in the outbox; its key is new only once."""
        now = self.clock.now()
        entry = outbox.NewEntry(OutboxId(f"{key}{number}"), OutboxKind.NOTICE, key, {"n": number}, now)
        is_new = not any(known[0] == key for known in self.entries)
        assert self.runner.run(self.database.write(lambda c: outbox.enqueue(c, [entry]))) == int(is_new)
        if is_new:
            self.entries[entry.id], self.due_at[entry.id] = "pending", now
        return entry.id

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        """Claim what is due to leave."""
        now = self.clock.now()
        claimed = self.runner.run(self.database.write(lambda c: outbox.claim_due(c, now, 60, limit)))
        due = {i for i, state in self.entries.items() if state == "pending" and self.due_at[i] <= now}
        assert {entry.id for entry in claimed} <= due
        assert len(claimed) == min(limit, len(due))
        for entry in claimed:
            self.due_at[entry.id] = now + timedelta(seconds=60)

    @rule(entry_id=queued, state=ENDS)
    def finish(self, entry_id: OutboxId, state: OutboxState) -> None:
        """End an entry; only the first time counts."""
        now = self.clock.now()
        ended = self.runner.run(self.database.write(lambda c: outbox.finish(c, entry_id, state, now)))
        assert ended == (self.entries.get(entry_id) == "pending")
        if ended:
            self.entries[entry_id] = state.value

    @rule()
    def close_page(self) -> None:
        """Close a page of the books whenever."""
        self.runner.run(self.database.write(lambda c: books.close_page(c, self.clock.now())))

    @invariant()
    def books_balance(self) -> None:
        """After every step audit and glance agree with the model and with each other."""
        now = self.clock.now()
        exact = self.runner.run(self.database.read(lambda c: books.balance(c, now, 1e9)))
        quick = self.runner.run(self.database.read(lambda c: books.glance(c, now, 1e9)))
        settled = [outcome for outcome in self.outcomes.values() if outcome]
        assert (exact.accepted, exact.in_progress) == (len(self.raw), len(self.raw) - len(settled))
        assert exact.settled == {outcome: settled.count(outcome) for outcome in set(settled)}
        assert exact.problems() == quick.problems() == []
        assert exact.outbox_pending == list(self.entries.values()).count("pending")
        assert {**vars(exact), "findings": None} == vars(quick)
