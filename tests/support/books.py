"""The promises of Itaca, checked by plain SQL and by what customers received; it shares no code with the product."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from itaca.storage.database import Database
from tests.support.relay import Received


async def broken_promises(ledger: Database, accepted: Iterable[str], letters: Sequence[Received] = ()) -> list[str]:
    """Return a sentence for everything that must not be.

    Args:
        accepted: the mail ids that were answered with 250.
        letters: what left by the relay.
    """
    found = await ledger.read(lambda conn: _in_the_ledger(conn, set(accepted)))
    return found + _in_the_letters(letters, await ledger.read(_days))


async def unsettled(ledger: Database) -> int:
    """Return how many mails wait for their outcome."""
    return await ledger.read(lambda conn: _one(conn, "SELECT count(*) FROM mails WHERE settled_at IS NULL"))


async def unsent(ledger: Database) -> int:
    """Return how many entries wait to leave."""
    return await ledger.read(
        lambda conn: _one(conn, "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')")
    )


def _in_the_ledger(conn: Connection, accepted: set[str]) -> list[str]:
    known = {row.id for row in conn.execute(text("SELECT id FROM mails"))}
    bad = [f"LOST: {mail_id} was answered with 250" for mail_id in accepted - known]
    queries = {
        "STUCK: mails without an outcome": "SELECT count(*) FROM mails WHERE settled_at IS NULL",
        "RAW: mails without their bytes": "SELECT count(*) FROM mails m LEFT JOIN raw_mails r ON r.mail_id = m.id "
        "WHERE r.mail_id IS NULL",
        "OWNER: cases without a person": "SELECT count(*) FROM cases WHERE owner_id IS NULL AND kind <> 'order'",
        "DATE: open promises without a date": "SELECT count(*) FROM promises WHERE state = 'open' AND due_at IS NULL",
        "OWED: open cases that owe nothing": "SELECT count(*) FROM cases c WHERE c.status = 'open' AND NOT EXISTS "
        "(SELECT 1 FROM promises p WHERE p.case_id = c.id AND p.state = 'open')",
        "TWICE: two open cases on one matter": "SELECT count(*) FROM (SELECT 1 FROM cases WHERE status = 'open' "
        "GROUP BY customer_id, kind, matter HAVING count(*) > 1) AS doubled",
        "OPENED: two cases of one kind by one mail": "SELECT count(*) FROM (SELECT 1 FROM cases "
        "GROUP BY opened_by, kind HAVING count(*) > 1) AS doubled",
        "EMPTY: mails settled by a case that is not there": "SELECT count(*) FROM mails m WHERE m.outcome IN "
        "('case', 'review') AND NOT EXISTS (SELECT 1 FROM case_mails l WHERE l.mail_id = m.id)",
    }
    for what, query in queries.items():
        if count := _one(conn, query):
            bad.append(f"{what}: {count}")
    return bad + _complaints(conn)


def _complaints(conn: Connection) -> list[str]:
    """Each mail that was judged a complaint stands in one matter with a person, reports by machines excepted.

    The matter is a complaint, a cancellation that it says was violated, or a review where reading was in doubt.
    """
    links: dict[str, Counter[str]] = defaultdict(Counter)
    joined = "SELECT l.mail_id, c.kind FROM case_mails l JOIN cases c ON c.id = l.case_id WHERE l.role <> 'related'"
    for row in conn.execute(text(joined)):
        links[row.mail_id][row.kind] += 1
    reports = (
        "SELECT m.id FROM mails m JOIN mail_texts t ON t.mail_id = m.id WHERE m.outcome = 'filed' AND "
        "(CAST(t.text AS TEXT) LIKE '%automatic\": \"bounce%' "
        "OR CAST(t.text AS TEXT) LIKE '%automatic\": \"receipt%')"
    )
    filed = {row.id for row in conn.execute(text(reports.replace(":", "\\:")))}
    bad = []
    for row in conn.execute(text("SELECT mail_id, CAST(judgement AS TEXT) AS judgement FROM readings")):
        if '"complaint": "yes"' not in row.judgement or row.mail_id in filed:
            continue
        kinds = links[row.mail_id]
        if kinds["complaint"] > 1 or not (kinds["complaint"] or kinds["cancellation"] or kinds["review"]):
            bad.append(f"COMPLAINT: {row.mail_id} stands in {dict(kinds)}")
    return bad


def _days(conn: Connection) -> Counter[str]:
    """Return on how many days each matter was acknowledged: one, unless midnight passed meanwhile."""
    joined = "SELECT c.reference, a.day FROM acknowledgements a JOIN cases c ON c.id = a.case_id"
    return Counter(row.reference for row in conn.execute(text(joined)))


def _in_the_letters(letters: Sequence[Received], days: Counter[str]) -> list[str]:
    answers = [letter for letter in letters if letter.is_acknowledgement]
    bad = []
    by_matter = Counter((letter.recipient, reference) for letter in answers for reference in letter.references)
    by_id = Counter(str(letter.message["Message-ID"]) for letter in answers)
    bad += [
        f"ACKS: {count} for one matter" for (_, matter), count in by_matter.items() if count > max(1, days[matter])
    ]
    bad += [f"ACKS: {count} times the same letter" for count in by_id.values() if count > 1]
    bad += ["SENDER: an answer with an envelope sender" for letter in answers if letter.sender]
    return bad


def _one(conn: Connection, query: str) -> int:
    return int(conn.execute(text(query)).scalar_one())
