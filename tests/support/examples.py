"""How many examples a property is tried with, as a multiple of those of the profile in force."""

from hypothesis import settings


def examples(times: float) -> settings:
    """Return settings for so many times the usual number: 100 in `make test`, 20 in `make check`."""
    return settings(max_examples=round(times * settings.default.max_examples))
