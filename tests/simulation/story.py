"""What happened in a run, for whoever must find out why: the log of the scheduler and the ledger's own trace."""

import hashlib
import re
from datetime import timedelta

from itaca.storage.trace import life_of
from tests.simulation.world import World

_NAMES = re.compile(r"k\d+|IT-[0-9A-Z]{5}-[0-9A-Z]{5}|[0-9a-f]{8}-[0-9a-f-]{27}")
_MOST_LINES = 400


def story_of(world: World, problems: list[str]) -> list[str]:
    """Return the weather, every step of the scheduler, and the life of each mail that a problem names."""
    lines = [f"weather: {world.chances.drawn}", *(f"problem: {problem}" for problem in problems), ""]
    for at_s, who, what, which in world.log.lines[:_MOST_LINES]:
        lines.append(f"{_clock(at_s)}  {who:<14} {what} {which}")
    for mail_id in _concerned(world, problems):
        lines += ["", f"the life of {mail_id}:"]
        for fact in world.disk.read(lambda conn, key=mail_id: life_of(conn, key)):
            detail = ", ".join(f"{name}={value}" for name, value in fact.detail.items())
            lines.append(f"  {fact.at:%Y-%m-%d %H:%M:%S}  {fact.what} {fact.subject} {detail}")
    return lines


def ledger_digest(world: World) -> str:
    """Return a hash over every row of the ledger."""
    digest = hashlib.blake2b(digest_size=16)
    for (table,) in world.disk.sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        for row in sorted(repr(row) for row in world.disk.sql.execute(f"SELECT * FROM {table}")):
            digest.update(row.encode())
    return digest.hexdigest()


def _clock(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds, 3))!s:>24}"


def _concerned(world: World, problems: list[str]) -> list[str]:
    """Return the mails that the problems name, by token, case or id."""
    named = {name for problem in problems for name in _NAMES.findall(problem)}
    by_token = {f"k{letter.token}": letter.raw for letter in world.writers.letters}
    found: list[str] = []
    for mail_id, letter in sorted(world.forwarder.accepted.items()):
        if mail_id in named or any(by_token.get(name) == letter.raw for name in named):
            found.append(mail_id)
    for reference, mail_id in world.disk.sql.execute("SELECT reference, opened_by FROM cases ORDER BY id"):
        if reference in named:
            found.append(mail_id)
    return list(dict.fromkeys(found))[:5]
