"""Random mail of few customers, in random batches, with people who close cases: the ledger's rules always hold."""

import random
from collections import Counter

import pytest
from sqlalchemy import Connection

from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseOutcome
from itaca.mail.model import AutomaticKind
from itaca.storage import tables as t
from itaca.storage.asks import tick_all
from itaca.storage.cases import close_case
from itaca.storage.promises import break_overdue
from itaca.storage.routing import Waiting
from tests.support.case_facts import judgement, mail_text, order_number
from tests.support.ledger import open_ledger
from tests.support.routed import POLICY, Desk, customer_code, reference

SENDERS = [
    "anna@fabbri.example",
    "bruno@fabbri.example",
    "carla@gmail.com",
    "dario@gmail.com",
    "",
    "eva@altra.example",
]
WORDS = ["Dove sono i libri?", "ho dato la disdetta", "il mio avvocato", "ANCORA NIENTE, È UNA VERGOGNA, RISPONDETE"]
STEPS, MOST_IN_A_BATCH = 40, 5


class RandomDay:
    """One random history on a ledger."""

    def __init__(self, desk: Desk, rng: random.Random) -> None:
        self.desk, self.rng = desk, rng
        self.mails = 0

    async def batch(self) -> None:
        """Route a few random mails, one of them perhaps twice."""
        waiting = [await self._mail() for _ in range(self.rng.randint(1, MOST_IN_A_BATCH))]
        await self.desk.route(*waiting, *self.rng.sample(waiting, self.rng.randint(0, 1)))

    async def close_one(self) -> None:
        """Let a person close a random open case."""
        cases = await self.desk.rows(t.cases, status="open")
        if cases:
            case_id, outcome = CaseId(self.rng.choice(cases).id), self.rng.choice(list(CaseOutcome))
            now, rng = self.desk.now, self.desk.ledger.rng

            def close(conn: Connection) -> None:
                tick_all(conn, case_id, "in the letter", now, rng, "agent")
                close_case(conn, case_id, outcome, "evidence", now, rng, "agent")

            await self.desk.ledger.database.write(close)

    async def wait(self) -> None:
        """Let days pass, and promises break."""
        await self.desk.pass_time(days=self.rng.choice([0, 1, 3, 20]), seconds=1)
        now, rng = self.desk.now, self.desk.ledger.rng
        while await self.desk.ledger.database.write(lambda c: break_overdue(c, now, POLICY, rng, "watch")):
            pass

    async def _mail(self) -> Waiting:
        rng = self.rng
        cases = await self.desk.cases()
        codes = [order_number(rng.choice("ABC"))] if rng.random() < 0.4 else []
        codes += [customer_code(rng.choice("KL"))] if rng.random() < 0.3 else []
        codes += [reference(rng.choice(cases))] if cases and rng.random() < 0.4 else []
        sender = rng.choice(SENDERS)
        kind = rng.choice([AutomaticKind.NONE] * 8 + list(AutomaticKind))
        text = mail_text(rng.choice(WORDS), *codes, sender=sender, reply_to_address=sender, automatic=kind)
        self.mails += 1
        judged = judgement(*(rng.choice("YNNU") for _ in range(3)))
        is_read = rng.random() < 0.95
        return Waiting(await self.desk.take(text if is_read else None), judged if rng.random() < 0.95 else None)


@pytest.mark.parametrize("seed", range(4))
async def test_any_history_keeps_the_rules(seed: int) -> None:
    """Every mail is settled once, contacts are counted, cases have owners and open ones a date, books balance."""
    rng = random.Random(seed)
    async with open_ledger("sqlite://", seed) as ledger:
        desk = Desk(ledger)
        await desk.staff("agent", "lead", "head")
        day = RandomDay(desk, rng)
        for _ in range(STEPS):
            await rng.choices([day.batch, day.close_one, day.wait], [6, 3, 2])[0]()
        assert await desk.problems() == []
        assert len([m for m in await desk.rows(t.mails) if m.settled_at]) == day.mails
        roles = Counter(row.case_id for row in await desk.rows(t.case_mails) if row.role in ("opened", "appended"))
        owed = Counter(row.case_id for row in await desk.rows(t.promises, state="open"))
        for case in await desk.cases():
            assert 1 <= case.contacts <= roles[case.id]
            assert 0 <= case.level <= 2
            assert owed[case.id] == (1 if case.status == "open" else 0)
