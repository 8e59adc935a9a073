"""Days on the command line."""

from datetime import date

import typer


def day_of(text: str) -> date:
    """Read a day.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no day; write YYYY-MM-DD") from None
