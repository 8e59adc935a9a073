"""Roles at the desk, and what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the desk; ``people`` says for whom they answer."""

    AGENT = "agent"
    LEAD = "lead"
    OPS = "ops"
    ADMIN = "admin"


class Right(StrEnum):
    """What a page or an action asks for.

    ``READ``: see cases and customers' mail. ``WORK``: act on cases one owns, and decide about mail. ``ASSIGN``: act
    on anybody's case. ``FLOW``: see where mails are. ``ABSENCES``: note anybody's absence. ``ACCOUNTS``: invite
    people and give them roles. ``SYSTEMS``: say which other systems are told what.
    """

    READ = "read"
    WORK = "work"
    ASSIGN = "assign"
    FLOW = "flow"
    ABSENCES = "absences"
    ACCOUNTS = "accounts"
    SYSTEMS = "systems"


_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.AGENT: frozenset({Right.READ, Right.WORK, Right.FLOW}),
    Role.LEAD: frozenset({Right.READ, Right.WORK, Right.ASSIGN, Right.FLOW, Right.ABSENCES}),
    # Operations watch the machine: customers' words are none of their business.
    Role.OPS: frozenset({Right.FLOW, Right.SYSTEMS}),
    Role.ADMIN: frozenset(Right),
}


def may(role: Role, right: Right) -> bool:
    """Say whether somebody of this role may do this."""
    return right in _RIGHTS[role]
