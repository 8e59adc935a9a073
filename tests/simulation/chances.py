"""What may go wrong in one run, and how often: every seed draws its own weather.

Not everything goes wrong in every run (swarm testing): a bug that needs two faults is found more often in a run in
which only those two happen.
"""

import random
from collections.abc import Mapping

MOST = {
    "kill": 0.9,  # share of lives that end by a kill
    "ledger_refuses": 0.15,  # before the transaction
    "ledger_answer_lost": 0.12,  # after the commit
    "ledger_slow": 0.1,
    "publish_refused": 0.2,
    "publish_answer_lost": 0.15,
    "message_lost": 0.25,
    "message_doubled": 0.3,
    "message_late": 0.3,
    "consumer_cut": 0.12,
    "ack_lost": 0.2,
    "relay_later": 0.3,
    "relay_never": 0.1,
    "relay_silent": 0.2,
    "relay_slow": 0.2,
    "judge_fails": 0.1,
    "judge_hangs": 0.1,
    "reader_fails": 0.15,
    "sender_hangs_up": 0.2,
    "reply_lost": 0.2,
    "sleeps_late": 0.3,
}
"""The highest share of each fault; a run draws between nothing and this."""


class Chances:
    """Says whether a fault happens now; ``calm`` ends all faults."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        bad_weather = rng.random()
        self._share: Mapping[str, float] = {
            name: (most * rng.random() if rng.random() < bad_weather else 0.0) for name, most in MOST.items()
        }
        self.drawn = ", ".join(f"{name} {share:.2f}" for name, share in self._share.items() if share) or "fine"

    def happens(self, name: str) -> bool:
        share = self._share.get(name, 0.0)
        return share > 0.0 and self.rng.random() < share

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._share = {}
