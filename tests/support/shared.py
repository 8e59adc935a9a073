"""Mail shared between projects, beside the repository: real and broken messages, and the corpus."""

from pathlib import Path

from tests.support.require import require

SHARED = Path(__file__).parents[2].parent / "shared"


def mail_files() -> list[Path]:
    """Return every stored message, in order; skip where there are none."""
    folder = SHARED / "data" / "eml"
    if not folder.is_dir():
        require("shared", "the shared mail (../shared/data/eml) is not beside this repository")
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if path.name != "README.md" and path.suffix != ".json")
