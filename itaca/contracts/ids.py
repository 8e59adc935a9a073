"""Identifiers: what they look like and how they are made."""

import random
from datetime import datetime
from typing import NewType
from uuid import UUID

MailId = NewType("MailId", str)
"""UUIDv7 in its canonical form of 36 characters; sorts by the time of acceptance."""
CaseId = NewType("CaseId", str)
CustomerId = NewType("CustomerId", str)
PersonId = NewType("PersonId", str)
PromiseId = NewType("PromiseId", str)
OutboxId = NewType("OutboxId", str)
CaseReference = NewType("CaseReference", str)
"""What a customer quotes: ``IT-`` and ten characters of Crockford's base 32, grouped as XXXXX-XXXXX."""
ModelVersion = NewType("ModelVersion", str)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7(now: datetime, rng: random.Random, sequence: int | None = None) -> str:
    """Make a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, 74 bits of chance.

    With a ``sequence`` its 12 low bits stand before the chance (RFC 9562, 6.2, method 1), so that ids made in one
    millisecond sort in the order of their making.
    """
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    chance = rng.getrandbits(74)
    if sequence is not None:
        chance = (sequence & 0xFFF) << 62 | chance & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & ((1 << 62) - 1)
    return str(UUID(int=value))


def new_reference(rng: random.Random) -> CaseReference:
    """Make a case reference of 50 bits of chance: it cannot be guessed and has no letters I, L, O, U."""
    letters = "".join(rng.choice(_CROCKFORD) for _ in range(10))
    return CaseReference(f"IT-{letters[:5]}-{letters[5:]}")
