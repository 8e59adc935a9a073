"""What must hold after every run, by plain SQL and by what left the house; it shares no code with the product.

Each function returns a sentence for each thing that must not be; it begins with the name of the rule.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from tests.simulation.calendar import micros, moment
from tests.simulation.escalations import levels, looked_after
from tests.simulation.histories import causes
from tests.simulation.mails import Letter
from tests.simulation.matters import one_case_for_a_matter
from tests.simulation.world import World

Problems = Iterator[str]


def check(world: World) -> list[str]:
    """Return everything that is wrong; nothing, if all is well."""
    problems = list(world.problems) + [f"UNFORESEEN: {one}" for one in world.forwarder.unforeseen]
    problems += [f"CRASH: {crash}" for process in world.processes for crash in process.crashes]
    problems += [f"ERROR: {error}" for error in world.loop.errors]
    problems += world.site.station.problems
    facts = Facts(world)
    for rule in RULES:
        problems += rule(facts)
    return problems


class Facts:
    """The ledger as rows, and what the outside world saw."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._cursor = world.disk.sql.cursor()
        self._cursor.row_factory = sqlite3.Row
        self.mails = self.rows("SELECT m.*, r.raw FROM mails m LEFT JOIN raw_mails r ON r.mail_id = m.id")
        self.cases = self.rows("SELECT * FROM cases ORDER BY id")
        self.links = self.rows("SELECT * FROM case_mails")
        self.letter_of = self._letters()
        self.now = micros(world.wall.now())
        """The end of the run, in microseconds."""

    def rows(self, query: str) -> list[Any]:
        return self._cursor.execute(query).fetchall()

    def count(self, query: str) -> int:
        return int(self._cursor.execute(query).fetchone()[0])

    def _letters(self) -> dict[str, Letter]:
        """Return the letter of each mail in the ledger, known by its bytes."""
        by_bytes = {letter.raw: letter for letter in self.world.writers.letters}
        found = {}
        for mail in self.mails:
            raw = b"" if mail["raw"] is None else zstandard.ZstdDecompressor().decompress(mail["raw"])
            if raw in by_bytes:
                found[mail["id"]] = by_bytes[raw]
        return found


def nothing_lost(facts: Facts) -> Problems:
    """What was answered with 250 is there with its bytes and its envelope; nothing else is, and nothing twice."""
    known = {mail["id"]: mail["envelope_from"] for mail in facts.mails}
    for mail_id, letter in facts.world.forwarder.accepted.items():
        if mail_id not in known:
            yield f"LOST: {letter.name} was answered with 250 as {mail_id}"
        elif facts.letter_of.get(mail_id) is not letter or known[mail_id] != letter.envelope.sender:
            yield f"RAW: {letter.name} has other bytes or another envelope in the ledger"
    for letter, reply in facts.world.forwarder.bounced:
        yield f"BOUNCED: {letter.name} was answered with {reply}"
    times = Counter(letter.token for letter in facts.letter_of.values())
    yield from (
        f"DUPLICATE: mail k{token} is {count} times in the ledger" for token, count in times.items() if count > 1
    )
    if len(facts.letter_of) != len(facts.mails):
        yield "RAW: a mail in the ledger is no customer's"


def settled_once(facts: Facts) -> Problems:
    """Every mail has one outcome; what its outcome promises is there, once."""
    incoming = Counter(
        row["mail_id"] for row in facts.rows("SELECT mail_id FROM interactions WHERE direction = 'in'")
    )
    readings = Counter(row["mail_id"] for row in facts.rows("SELECT mail_id FROM readings"))
    joined = Counter(link["mail_id"] for link in facts.links if link["role"] in ("opened", "appended"))
    for mail in facts.mails:
        name, outcome = _name(facts, mail["id"]), mail["outcome"]
        if outcome is None:
            yield f"STUCK: {name} has no outcome"
            continue
        if incoming[mail["id"]] != (outcome != "filed"):
            yield f"TWICE: {name} counts as {incoming[mail['id']]} interactions"
        if readings[mail["id"]] > 1:
            yield f"TWICE: {name} has {readings[mail['id']]} readings"
        if (outcome in ("case", "review")) != bool(joined[mail["id"]]):
            yield f"OUTCOME: {name} ended as {outcome} with {joined[mail['id']]} cases"


def books_balance(facts: Facts) -> Problems:
    """Accepted is settled and in progress, on every closed page and in all; the product's auditor agrees."""
    for page in facts.rows("SELECT * FROM book_pages"):
        before = f"FROM mails WHERE received_at < {page['until']}"
        accepted = facts.count(f"SELECT count(*) {before}")
        settled = facts.count(f"SELECT count(*) {before} AND settled_at IS NOT NULL")
        if not page["accepted"] == accepted == settled == sum(json.loads(page["settled"]).values()):
            yield f"BOOKS: a page says {page['accepted']} and {page['settled']}; {accepted} came, {settled} ended"
    for name, query in _NEVER.items():
        if count := facts.count(query):
            yield f"{name}: {count}"


_NEVER = {
    "OWNER: open cases without a person": "SELECT count(*) FROM cases WHERE owner_id IS NULL AND kind <> 'order'",
    "OWNER: cases of nobody known": "SELECT count(*) FROM cases WHERE owner_id IS NOT NULL AND owner_id NOT IN "
    "(SELECT id FROM people)",
    "DATE: open promises without a date": "SELECT count(*) FROM promises WHERE state = 'open' AND due_at IS NULL",
    "OWED: open cases that owe nothing": "SELECT count(*) FROM cases WHERE status = 'open' AND id NOT IN "
    "(SELECT case_id FROM promises WHERE state = 'open')",
    "OWED: closed cases that owe something": "SELECT count(*) FROM cases WHERE status = 'closed' AND id IN "
    "(SELECT case_id FROM promises WHERE state = 'open')",
    "OWED: cases with two open promises": "SELECT count(*) FROM (SELECT case_id FROM promises WHERE state = 'open' "
    "GROUP BY case_id HAVING count(*) > 1)",
    "BYTES: mails without their bytes": "SELECT count(*) FROM mails WHERE id NOT IN (SELECT mail_id FROM raw_mails)",
    "OUTBOX: entries that never ended": "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')",
}


def complaints_are_seen(facts: Facts) -> Problems:
    """A complaint stands in one complaint case, a violated cancellation or a review: whatever else the mail wants."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    kind_of = {case["id"]: case["kind"] for case in facts.cases}
    for link in facts.links:
        if link["role"] in ("opened", "appended"):
            kinds[link["mail_id"]][kind_of[link["case_id"]]] += 1
    for mail_id, letter in facts.letter_of.items():
        found = kinds[mail_id]
        if any(count > 1 for count in found.values()):
            yield f"MATTER: {letter.name} stands twice in one kind of case: {dict(found)}"
        if "complaint" in letter.meant and letter.temper != "wrong" and not set(found) - {"order"}:
            yield f"HIDDEN: {letter.name} complains and stands in {dict(found)}"
        for wanted in letter.meant if letter.temper == "clear" else ():
            if not found[wanted] and not found["review"] and not found["cancellation"]:
                yield f"HIDDEN: {letter.name} wants {wanted} and stands in {dict(found)}"


def acknowledged_rightly(facts: Facts) -> Problems:
    """No automatic mail is answered; nobody hears twice of one matter in a day, or gets one letter twice."""
    delivered = [one for one in facts.world.relay.delivered if one.letter.is_acknowledgement]
    written = {row["id"]: row["created_at"] for row in facts.rows("SELECT id, created_at FROM outbox")}
    days: Counter[tuple[str, str, str]] = Counter()
    for one in delivered:
        letter = facts.letter_of.get(one.letter.mail_id)
        if letter is None or letter.is_automatic or not letter.envelope.sender:
            yield f"ACK: {letter.name if letter else one.letter.mail_id} is automatic and was acknowledged"
        elif one.recipient != letter.customer or one.sender:
            yield f"ACK: {letter.name} was acknowledged from {one.sender!r} to {one.recipient}"
        day = _day(facts, written[one.entry])
        days.update((one.recipient, reference, day) for reference in one.letter.references)
    for (recipient, reference, day), count in days.items():
        if count > 1:
            yield f"ACK: {recipient} was told {count} times of {reference} on {day}"
    yield from _owed_answers(facts, {one.letter.mail_id for one in delivered})


def _owed_answers(facts: Facts, answered: set[str]) -> Problems:
    """Who opened a case by a mail that may be answered was answered, unless the relay refused or fell silent."""
    read = {row["mail_id"] for row in facts.rows("SELECT mail_id FROM mail_texts")}
    ended = {
        row["mail_id"]: row["state"] for row in facts.rows("SELECT * FROM outbox WHERE kind = 'acknowledgement'")
    }
    for case in facts.cases:
        letter = facts.letter_of.get(case["opened_by"])
        if letter is None or letter.is_automatic or letter.kind in ("broken", "certified"):
            continue
        if case["opened_by"] not in read:
            continue
        if letter.temper == "deadly_to_reader" or letter.answers or case["opened_by"] in answered:
            continue
        if ended.get(case["opened_by"]) not in ("failed", "unknown"):
            yield f"ACK: {letter.name} opened {case['reference']} and was never answered"


def handed_off(facts: Facts) -> Problems:
    """Each order and each cancellation left for the system that executes it, or its failure is known."""
    handed = Counter(row["case_id"] for row in facts.rows("SELECT case_id FROM outbox WHERE kind LIKE '%handoff'"))
    for case in facts.cases:
        if (case["kind"] in ("order", "cancellation")) != handed[case["id"]]:
            yield f"HANDOFF: {case['kind']} {case['reference']} left {handed[case['id']]} times"
    for row in facts.rows("SELECT * FROM outbox WHERE state = 'sent'"):
        if row["kind"] in ("acknowledgement", "notice") and row["id"] not in _arrived(facts):
            yield f"OUTBOX: {row['kind']} {row['id']} counts as sent and never arrived"


def _arrived(facts: Facts) -> set[str]:
    return {one.entry for one in facts.world.relay.delivered}


def _name(facts: Facts, mail_id: str) -> str:
    letter = facts.letter_of.get(mail_id)
    return letter.name if letter else mail_id


def _day(facts: Facts, micros: int) -> str:
    return str(moment(micros).date())


RULES: tuple[Callable[[Facts], Problems], ...] = (
    nothing_lost,
    settled_once,
    books_balance,
    complaints_are_seen,
    acknowledged_rightly,
    handed_off,
    one_case_for_a_matter,
    levels,
    looked_after,
    causes,
)
