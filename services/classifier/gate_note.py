"""What the gate said of a candidate, kept beside its model, so that a refusal is not forgotten before promotion."""

import json
from dataclasses import dataclass
from pathlib import Path

from itaca.errors import PermanentError

GATE_NAME = "gate.json"


@dataclass(frozen=True)
class GateNote:
    """Whether the candidate passed against ``champion``, and the reasons against it."""

    champion: str
    passed: bool
    reasons: tuple[str, ...]


def write_note(folder: Path, note: GateNote) -> None:
    """Keep what the gate said; a later comparison replaces it."""
    body = {"champion": note.champion, "passed": note.passed, "reasons": list(note.reasons)}
    beside = folder / f".{GATE_NAME}.new"
    beside.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    beside.replace(folder / GATE_NAME)


def check_note(folder: Path) -> None:
    """Return if nothing speaks against the promotion of this model; one that was never compared passes.

    Raises:
        PermanentError: the gate refused it, or what the gate said cannot be read.
    """
    try:
        found = json.loads((folder / GATE_NAME).read_text(encoding="utf-8"))
        passed, champion, reasons = found["passed"] is True, str(found["champion"]), list(found["reasons"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"{folder.name}/{GATE_NAME} cannot be read: train the candidate again") from error
    if not passed:
        raise PermanentError(
            f"the gate refused {folder.name} against {champion}: {'; '.join(map(str, reasons))}. "
            "Promote it all the same with --despite-gate"
        )
