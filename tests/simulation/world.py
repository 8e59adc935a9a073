"""One run: a company, its customers, a script of what happens, and at the end a time in which all may come right."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from itaca.broker.memory import MemoryBroker
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED
from itaca.contracts.ids import CaseId, PersonId
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.storage.asks import tick_all
from itaca.storage.cases import close_case
from itaca.storage.people import add_person, add_team, set_absence
from tests.simulation.broker import Station
from tests.simulation.chances import Chances
from tests.simulation.clock import ProcessClock, Wall
from tests.simulation.ledger import disk
from tests.simulation.log import Log
from tests.simulation.loop import NEVER, SimLoop, outside
from tests.simulation.mails import Writers
from tests.simulation.processes import STAGES, Process, Site, shared_settings
from tests.simulation.relay import Relay
from tests.simulation.senders import Door, Forwarder

MOMENT = 1_000_000
"""Microseconds in a second, as the ledger counts."""
PATIENCE = 90
"""Rounds of the quiescent phase after which what is not settled counts as stuck."""
_OUTCOMES = {
    "complaint": (CaseOutcome.REMEDIED, CaseOutcome.ANSWERED, CaseOutcome.REJECTED),
    "cancellation": (CaseOutcome.EFFECTED, CaseOutcome.NOT_A_MATTER),
    "order": (CaseOutcome.ORDERED,),
    "review": (CaseOutcome.ANSWERED, CaseOutcome.NOT_A_MATTER),
}


class World:
    """Everything of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(f"itaca {seed}")
        self.loop = loop = SimLoop()
        start = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(minutes=rng.randrange(2 * 365 * 24 * 60))
        self.wall, self.log = Wall(start, loop), Log(loop.time)
        self.chances = Chances(random.Random(rng.getrandbits(64)))
        self.disk = disk()
        self.disk.wipe()
        calm = Chances(rng)
        calm.calm()
        memory = MemoryBroker(ProcessClock(self.wall, loop, calm), rng)
        station = Station(memory, loop, self.chances, self.log)
        station.is_acked_rightly = self._is_done
        self.relay = Relay(self.wall, self.chances, self.log)
        self.writers = Writers(random.Random(rng.getrandbits(64)), self.relay)
        self.door = Door()
        self.forwarder = Forwarder(self.door, self.chances, self.log)
        self.site = Site(
            loop=loop,
            wall=self.wall,
            rng=rng,
            chances=self.chances,
            log=self.log,
            disk=self.disk,
            station=station,
            relay=self.relay,
            letters=self.writers.letters,
            door=self.door,
            settings=shared_settings(rng.random() < 0.5),
            has_idempotent_door=rng.random() < 0.2,
            has_books=rng.random() < 0.1,
            watch_every_s=rng.choice((30.0, 60.0, 90.0)),
            courier_every_s=rng.choice((20.0, 45.0)),
        )
        self.has_classifier = rng.random() < 0.95
        """Without one, every mail must come to a person all the same."""
        self.processes = self._deployment()
        self.leaving = random.Random(f"leaving {seed}")
        self.people: list[PersonId] = []
        self.problems: list[str] = []
        self.quiet_since: datetime | None = None

    def _deployment(self) -> list[Process]:
        """Return one process for everything, or one or two for each stage."""
        stages = tuple(name for name in STAGES if name != "classifier" or self.has_classifier)
        if self.rng.random() < 0.3:
            return [Process("up", stages, self.site)]
        names = [name for name in stages for _ in range(1 + (name != "ingest" and self.rng.random() < 0.3))]
        return [Process(f"{name}{n}", (name,), self.site) for n, name in enumerate(names)]

    async def play(self) -> None:
        """Let everything happen, then let it come right."""
        await self.site.station.memory.start()
        self.disk.write(self._hire)
        for process in self.processes:
            process.start()
        for _ in range(self.rng.choice((1, 1, 2, 2, 3, 4))):
            await self._event()
        self._somebody_goes()
        await self.come_right()
        if self.rng.random() < 0.2:
            await self._idle()

    def _hire(self, conn: Connection) -> None:
        now, rng = self.wall.now(), self.rng
        for team_number in range(rng.choice((1, 1, 2))):
            kinds = () if team_number == 0 else (rng.choice((CaseKind.COMPLAINT, CaseKind.REVIEW)),)
            team = add_team(conn, f"team {team_number}", kinds, now, rng)
            lead: PersonId | None = None
            for level in range(rng.choice((1, 2, 2, 3, 4))):
                email = f"persona{team_number}{level}@itaca.example"
                lead = add_person(conn, f"Persona {level}", email, team.id, now, rng, (), lead).id
                self.people.append(lead)
                if rng.random() < 0.25:
                    first = (now + timedelta(days=rng.randint(-2, 4))).date()
                    set_absence(conn, lead, first, first + timedelta(days=rng.randint(0, 20)))

    async def _event(self) -> None:
        """Somebody writes; beside it something may happen to the company."""
        rng = self.rng
        for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
            letter = self.writers.write()
            self.log.note("customer", "writes", letter.name)
            self.loop.create_task(self.forwarder.bring(letter), context=outside())
        beside = rng.random()
        if beside < 0.15:
            self._close_something()
        elif beside < 0.21:
            self.site.station.go_away(rng.uniform(5, 2000))
        elif beside < 0.25:
            self.site.station.forget()
        elif beside < 0.33:
            jump = timedelta(seconds=rng.choice((3_600, 86_400, 5 * 86_400, 40 * 86_400)))
            self.log.note("clock", "jumps by", str(jump))
            self.wall.jump(jump)
        await self._pass(rng.choice((10, 100, 200, 400, 5_000, 100_000, 1_000_000)) * rng.uniform(0.3, 1))

    async def _pass(self, seconds: float) -> None:
        """Let time pass: at first everybody works, then nobody is given the processor."""
        busy_s = min(seconds, self.rng.choice((30.0, 80.0, 150.0)))
        await asyncio.sleep(busy_s)
        if seconds > busy_s:
            self.log.note("world", "sleeps for", seconds - busy_s)
            self.loop.skip(seconds - busy_s)

    def _somebody_goes(self) -> None:
        """Whoever owns the newest case is away two days later, in some runs; by a chance of its own."""
        owners = self.disk.sql.execute("SELECT owner_id FROM cases WHERE status = 'open' ORDER BY id DESC").fetchall()
        gone = next((owner for (owner,) in owners if owner), None)
        if gone is None or self.leaving.random() < 0.7:
            return
        first = self.wall.now().date() + timedelta(days=2)
        last = first + timedelta(days=self.leaving.randint(1, 60))
        self.log.note("owner", "goes away", gone)
        self.disk.write(lambda conn: set_absence(conn, gone, first, last))
        self.loop.skip(2 * 86_400)

    def _close_something(self) -> None:
        open_cases = "SELECT id, kind, opened_by FROM cases WHERE status = 'open' ORDER BY kind = 'cancellation', id"
        rows = self.disk.sql.execute(open_cases).fetchall()
        if not rows:
            return
        case_id, kind, mail_id = rows[-1] if self.rng.random() < 0.5 else self.rng.choice(rows)
        letter = self.forwarder.accepted.get(mail_id)
        if kind == "cancellation" and letter is not None:
            self.writers.provoke(letter.customer)
        outcome, now = self.rng.choice(_OUTCOMES[kind]), self.wall.now()
        none = "SELECT count(*) FROM cancellations WHERE case_id = ? AND ended_as IN ('never', 'withdrawn')"
        if self.disk.sql.execute(none, (case_id,)).fetchone()[0]:
            # What was none took no effect: its customer wrote again and is answered.
            outcome = CaseOutcome.REMEDIED
        self.log.note("owner", f"closes as {outcome.value}", case_id)

        def close(conn: Connection) -> None:
            tick_all(conn, CaseId(case_id), "said on the phone", now, self.rng, "owner")
            close_case(conn, CaseId(case_id), outcome, "said on the phone", now, self.rng, "owner")

        self.disk.write(close)

    async def come_right(self) -> None:
        """No faults from now on; whatever is due is given its time."""
        self.log.note("world", "no more faults")
        self.chances.calm()
        self.site.station.come_back()
        for process in self.processes:
            process.start()
            if process.life is not None:
                process.life.dies_at = NEVER
        for _ in range(PATIENCE):
            await asyncio.sleep(self.site.watch_every_s + self.site.courier_every_s)
            if self.is_quiet():
                break
            self._hurry()
        else:
            self.problems.append(f"STUCK: after {PATIENCE} rounds without faults: {self._waiting()}")
        self.quiet_since = self.wall.now()

    def is_quiet(self) -> bool:
        """Nothing is under way, and nothing that is due was left undone."""
        return not self.forwarder.in_hand and not any(self._waiting())

    def _waiting(self) -> tuple[int, ...]:
        """Return how many mails, entries and overdue promises there are."""
        now = self._micros()
        queries = (
            "SELECT count(*) FROM mails WHERE settled_at IS NULL",
            "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')",
            f"SELECT count(*) FROM promises WHERE state = 'open' AND due_at <= {now}",
            f"SELECT count(*) FROM owner_timers WHERE check_at <= {now}",
        )
        return tuple(self.disk.sql.execute(query).fetchone()[0] for query in queries)

    def _hurry(self) -> None:
        """Skip the time until something waiting is due, if everything waiting is in the future."""
        query = (
            "SELECT min(at) FROM (SELECT min(drive_at) AS at FROM mails WHERE settled_at IS NULL "
            "UNION ALL SELECT min(next_at) FROM outbox WHERE state IN ('pending', 'sending'))"
        )
        due = self.disk.sql.execute(query).fetchone()[0]
        wait_s = 0 if due is None else (due - self._micros()) / MOMENT
        if wait_s > 60 and not self.forwarder.in_hand:
            self.loop.skip(wait_s)

    def _is_done(self, queue: str, body: bytes) -> bool:
        """Say whether a message may be acknowledged: the classifier has answered, the router has settled the mail."""
        try:
            mail_id = json.loads(body)["mail_id"]
        except (ValueError, KeyError):
            return True
        if queue == CLASSIFIER_MAIL_RECEIVED and mail_id in self.site.station.answered:
            return True
        row = self.disk.sql.execute("SELECT settled_at FROM mails WHERE id = ?", (mail_id,)).fetchone()
        return row is not None and row[0] is not None

    def _micros(self) -> int:
        return int(self.wall.now().timestamp() * MOMENT)

    async def _idle(self) -> None:
        """Thousands of hours in which nobody writes and promises break."""
        for _ in range(self.rng.choice((1, 2))):
            hours = self.rng.choice((30, 100, 400, 3_000)) * self.rng.random()
            self.log.note("world", "idles for hours", hours)
            self.loop.skip(hours * 3_600)
            await asyncio.sleep(2 * self.site.watch_every_s)
        await self.come_right()
