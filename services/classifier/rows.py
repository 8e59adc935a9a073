"""A mail given as a JSON row (id, subject, body, from, to, cc, headers, attachments) as text to judge."""

import re
from collections.abc import Mapping
from typing import Any

from itaca.contracts.events import WrittenText

_QUOTE_HEAD = re.compile(
    r"^(?:(?:Il giorno|Il \d|On |Am |Le |El ).*(?:scritto|wrote|schrieb|écrit|escribió)[^:\n]{0,60}:\s*$"
    r"|-{4,}|(?:Von|Da|From|De): )"
)


def split_quotes(body: str) -> tuple[str, str]:
    """Return the new text and the quoted text of a plain body."""
    new: list[str] = []
    quoted: list[str] = []
    cut = False
    for line in body.split("\n"):
        cut = cut or _QUOTE_HEAD.match(line) is not None
        (quoted if cut or line.startswith(">") else new).append(line)
    return "\n".join(new).strip(), "\n".join(quoted).strip()


def written_from_row(row: Mapping[str, Any], language: str = "") -> WrittenText:
    """Return what the classifier may see of the row; ``language`` is believed if given."""
    new, quoted = split_quotes(str(row.get("body") or ""))
    return WrittenText(
        subject=str(row.get("subject") or ""),
        new_text=new,
        quoted_text=quoted,
        language=language,
        attachment_names=tuple(row.get("attachments") or ()),
    )
