"""What blind checks prove: misses, sample size, and the upper bound of the share of complaints among what was passed.

Elusion is the share of mail settled as "no complaint" that is one (the word is that of document review; Roitblat,
2007). It is measured on mails drawn by chance, never on those that somebody happened to look at.
"""

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
_HALVINGS = 60


@dataclass(frozen=True)
class Elusion:
    """The checks of one language, or of ``all``."""

    language: str
    waiting: int
    checked: int
    misses: int

    @property
    def upper_bound(self) -> float:
        """The share of complaints among such mail is not larger than this, at confidence 95 %."""
        return upper_bound(self.misses, self.checked)


def upper_bound(misses: int, checked: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a rate by Clopper and Pearson (Biometrika 26, 1934); 1 without any check.

    It is the rate at which so few misses would be seen with probability ``1 - confidence``, found by halving the
    interval: exact to the last digits of a float, and without loading a statistics library into the watch.
    """
    if checked == 0 or misses >= checked:
        return 1.0
    low, high = misses / checked, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _chance_of_at_most(misses, checked, middle) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def _chance_of_at_most(misses: int, checked: int, rate: float) -> float:
    """Return the lower tail of the binomial distribution."""
    if rate >= 1.0:
        return 0.0
    if rate <= 0.0:
        return 1.0
    hit, pass_ = math.log(rate), math.log1p(-rate)
    ways = math.lgamma(checked + 1)
    return math.fsum(
        math.exp(ways - math.lgamma(i + 1) - math.lgamma(checked - i + 1) + i * hit + (checked - i) * pass_)
        for i in range(misses + 1)
    )
