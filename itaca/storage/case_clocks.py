"""What people do with the clocks of a case at the desk: put it aside, take it up again, say what the law calls it."""

from datetime import datetime

from sqlalchemy import Connection

from itaca.cases.law.clock import Law
from itaca.cases.policy import Policy
from itaca.errors import PermanentError
from itaca.storage.case_acts import Act, hold_open
from itaca.storage.legal_clocks import choose_matter
from itaca.storage.parkings import park, unpark

WAITS_FOR = (
    "waiting for the customer",
    "waiting for a supplier or a carrier",
    "waiting for another department",
    "waiting for an expert or an authority",
)
"""Why a case may be put aside: somebody else has the next move."""
NO_REASON = "say who has the next move"
NOT_ASIDE = "the case is not put aside"
RUNS_ALREADY = "this legal term runs already"


def put_aside(conn: Connection, act: Act, until: datetime, reason: str, says: str, policy: Policy) -> None:
    """Stop the company's clock of a case until a day; the law's runs on.

    Raises:
        StaleError: the case changed meanwhile.
        PermanentError: no reason of ``WAITS_FOR``, or the day or the case does not allow it.
    """
    hold_open(conn, act)
    if reason not in WAITS_FOR:
        raise PermanentError(NO_REASON)
    why = f"{reason}; {says.strip()}" if says.strip() else reason
    park(conn, act.case_id, until, why, policy, act.now, act.rng, act.person_id)


def take_up(conn: Connection, act: Act, policy: Policy) -> None:
    """Let the company's clock run on before its day.

    Raises:
        StaleError: the case changed meanwhile.
        PermanentError: it was not put aside.
    """
    hold_open(conn, act)
    if unpark(conn, act.case_id, policy, act.now, act.rng, act.person_id) is None:
        raise PermanentError(NOT_ASIDE)


def say_matter(conn: Connection, act: Act, matter: str, law: Law) -> None:
    """Say what a case is about in law; its term counts from the mail that opened it.

    Raises:
        StaleError: the case changed meanwhile.
        PermanentError: the law gives no term for it here, or it runs already.
    """
    hold_open(conn, act)
    if not choose_matter(conn, act.case_id, matter, act.now, law, act.rng, act.person_id):
        raise PermanentError(RUNS_ALREADY)
