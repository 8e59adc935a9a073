"""Run one target under libFuzzer: ``python -m tests.fuzz.engine TARGET [libFuzzer's options and folders]``."""

import sys
from collections.abc import Sequence

import atheris

INSTRUMENTED = ["itaca.mail", "services.ingest"]
"""Coverage is followed in our own modules only: those of others would lead the search into their code."""


def main(arguments: Sequence[str]) -> None:
    """Hand over to libFuzzer, which ends the process."""
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz import targets
    targets.quieten()
    atheris.Setup([sys.argv[0], *arguments[1:]], targets.TARGETS[arguments[0]])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
