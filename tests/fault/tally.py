"""What became of the mails of one row: counted by plain SQL and by what the relay got, not by the product's code."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, text

from itaca.storage.database import Database
from tests.support.books import broken_promises
from tests.support.relay import Received


@dataclass(frozen=True)
class Tally:
    """The figures of one row; ``problems`` are sentences about whatever else must not be."""

    accepted: int
    settled: int
    lost: int
    duplicates: int
    problems: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicates or self.problems)


async def tally(
    ledger: Database, accepted: Collection[str], senders: Collection[str], letters: Sequence[Received]
) -> Tally:
    """Count what was accepted from these senders.

    Lost is an accepted mail that is not in the ledger with its bytes and an outcome. A duplicate is whatever a
    customer would see twice: one mail kept as two, one matter answered twice, one letter sent twice.
    """
    settled = await ledger.read(lambda conn: _settled(conn, accepted))
    doubled = await ledger.read(lambda conn: _kept_twice(conn, senders))
    problems = await broken_promises(ledger, accepted, letters)
    return Tally(
        len(accepted), settled, len(accepted) - settled, doubled + answered_twice(letters, senders), tuple(problems)
    )


def answered_twice(letters: Iterable[Received], senders: Collection[str]) -> int:
    """Return how many letters came to these customers beyond the first about one matter, or of one Message-ID."""
    answers = [letter for letter in letters if letter.is_acknowledgement and letter.recipient in senders]
    matters = Counter((letter.recipient, reference) for letter in answers for reference in letter.references)
    letters_by_id = Counter(str(letter.message["Message-ID"]) for letter in answers)
    return sum(count - 1 for counted in (matters, letters_by_id) for count in counted.values())


def _settled(conn: Connection, accepted: Collection[str]) -> int:
    query = text(
        "SELECT count(*) FROM mails m JOIN raw_mails r ON r.mail_id = m.id WHERE m.settled_at IS NOT NULL "
        "AND m.outcome IS NOT NULL AND m.id IN :ids"
    ).bindparams(bindparam("ids", expanding=True))
    return _summed(conn, query, accepted)


def _kept_twice(conn: Connection, senders: Collection[str]) -> int:
    query = text("SELECT count(*) - count(DISTINCT envelope_from) FROM mails WHERE envelope_from IN :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    return _summed(conn, query, senders)


def _summed(conn: Connection, query: object, values: Collection[str], at_once: int = 500) -> int:
    ordered = sorted(values)
    chunks = [ordered[start : start + at_once] for start in range(0, len(ordered), at_once)]
    return sum(int(conn.execute(query, {"ids": chunk}).scalar_one()) for chunk in chunks)  # type: ignore[call-overload]
