"""How fast one token may ask: a bucket for each kind of request, in the memory of each process."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from itaca.clock import Clock
from services.desk.api.problems import RefusedError
from services.desk.settings import DeskSettings

BURST = 2
"""So many seconds' worth may be asked at once after a pause."""
_MOST_BUCKETS = 10_000


class Kind(StrEnum):
    """What is asked, as far as its cost goes."""

    CHECK = "check"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Rates:
    """Requests a second by kind; 0 sets no limit."""

    per_s: dict[Kind, float]

    @classmethod
    def of(cls, settings: DeskSettings) -> "Rates":
        return cls(
            {
                Kind.CHECK: settings.api_checks_per_s,
                Kind.READ: settings.api_reads_per_s,
                Kind.WRITE: settings.api_writes_per_s,
            }
        )


@dataclass
class Buckets:
    """Tokens' buckets: each fills with time and is emptied by requests."""

    rates: Rates
    clock: Clock
    _left: dict[tuple[str, Kind], tuple[float, float]] = field(default_factory=dict)

    def take(self, token_id: str, kind: Kind) -> None:
        """Take one request out of a token's bucket.

        Raises:
            RefusedError: 429, it is empty; Retry-After says when it no longer is (RFC 6585, 4; RFC 9110, 10.2.3).
        """
        rate = self.rates.per_s[kind]
        if not rate:
            return
        now, most = self.clock.monotonic_s(), max(rate * BURST, 1.0)
        left, since = self._left.get((token_id, kind), (most, now))
        left = min(left + (now - since) * rate, most)
        if left < 1:
            wait_s = math.ceil((1 - left) / rate)
            detail = f"too many requests of this token: {rate:g} a second are let through"
            raise RefusedError(429, detail, {"retry-after": str(wait_s)})
        if len(self._left) >= _MOST_BUCKETS:
            self._left.clear()  # who comes back finds a full bucket; memory stays bounded
        self._left[token_id, kind] = (left - 1, now)
