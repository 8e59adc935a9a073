"""Structural features: what the shape of a mail says, whatever its words."""

import re
from collections.abc import Sequence

from itaca.contracts.events import WrittenText
from services.classifier.text import fold, words

NAMES = (
    "length",
    "is_one_line",
    "question_marks",
    "exclamation_marks",
    "ellipses",
    "capitals_share",
    "digits_share",
    "rows_with_quantity",
    "rows_with_code",
    "money_amounts",
    "dates",
    "several_dates_in_a_sentence",
    "has_attachment",
    "has_picture",
    "has_document",
    "has_quote",
    "subject_is_reply",
    "subject_is_empty",
    "is_automatic",
    "copied_to_authority",
    "ends_with_question",
)

_MONEY = re.compile(
    r"(?:€|\$|£|\b(?:euro|eur|chf|gbp|usd))\s?\d|\d[\d.,]*\s?(?:€|\$|£|(?:euro|eur|chf|fr|gbp|usd)\b)", re.I
)
_DATE = re.compile(
    r"\b\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?\b|\b(?:il|the|am|le|el|dal|del|on)\s\d{1,2}(?:st|nd|rd|th|\.)?\b", re.I
)
_SEVERAL_DATES = re.compile(
    r"\b(?:il|le|el|am|the|on)\s\d{1,2}\b[^.!?\n]{0,40}\b(?:il|le|el|am|the|on)\s\d{1,2}\b", re.I
)
_QUANTITY_ROW = re.compile(
    r"^\s*[-*•]?\s*(?:n\.?\s?)?\d{1,4}\s?(?:x|pz|pezzi|kg|lt|conf|cart|scat|st|stk|pcs|pack|pk|box|uds?|cajas?|bouteilles?)?\b\s+\S"
    r"|\bx\s?\d{1,4}\s*$|\b\d{1,4}\s?x\b|\b\d{1,4}\s?(?:pz|pcs|stk|st|uds?)\b",
    re.I,
)
_CODE = re.compile(r"\b(?=[A-Z0-9/-]*\d)(?=[A-Z0-9/-]*[A-Z0-9])[A-Z0-9]{2,}(?:[/-][A-Z0-9]+)*\b")
_PICTURE = (".jpg", ".jpeg", ".png", ".heic", ".gif", ".webp", ".mp4", ".mov")
_DOCUMENT = (".pdf", ".doc", ".docx", ".xls", ".xlsx", ".csv", ".odt", ".ods")
_AUTHORITY = re.compile(
    r"legal|avvocat|avv\b|anwalt|kanzlei|abogad|avocat|lawyer|solicitor|consumator|verbraucher|consumidor|consommateur"
    r"|ombuds|garante|agcom|agcm|arera|corecom|ivass|consob|redazione|giornale|zeitung|presse|press\b|stampa|editor|codacons"
    r"|consumer|complaint|reclam|schlichtung|bundesnetz|mediateur|ofcom|ofgem|trading"
)
_REPLY = re.compile(r"^\s*(?:re|r|aw|wg|fwd?|i|sv|rif|tr)\s*:", re.I)


def _share(count: float, full: float) -> float:
    return min(count / full, 1.0)


def structure(text: WrittenText, body: str) -> tuple[float, ...]:
    """Return one number in [0, 1] per name in NAMES, for the subject of ``text`` and the given body."""
    both = f"{text.subject}\n{body}"
    rows = [row for row in body.split("\n") if row.strip()]
    letters = sum(map(str.isalpha, both)) or 1
    dates = len(_DATE.findall(both))
    return (
        _share(len(body), 1500),
        float(len(rows) <= 1),
        _share(both.count("?"), 3),
        _share(both.count("!"), 3),
        _share(both.count("...") + both.count("…"), 3),
        _share(sum(map(str.isupper, both)) / letters, 0.5),
        _share(sum(map(str.isdigit, both)) / max(len(both), 1), 0.2),
        _share(sum(1 for row in rows if _QUANTITY_ROW.search(row)), 3),
        _share(sum(1 for row in rows if _CODE.search(row)), 3),
        _share(len(_MONEY.findall(both)), 3),
        _share(dates, 3),
        float(_SEVERAL_DATES.search(both) is not None),
        *_files(text.attachment_names),
        float(bool(text.quoted_text)),
        float(_REPLY.match(text.subject) is not None),
        float(not text.subject.strip()),
        float(any(flag.startswith("automatic:") for flag in text.flags)),
        float(any(_AUTHORITY.search(fold(name)) for name in text.recipients[1:])),
        float(_last_sign(body) == "?"),
    )


def _files(names: Sequence[str]) -> tuple[float, float, float]:
    lower = [name.lower() for name in names]
    pictures = any(name.endswith(_PICTURE) for name in lower)
    documents = any(name.endswith(_DOCUMENT) for name in lower)
    return float(bool(names)), float(pictures), float(documents)


def _last_sign(body: str) -> str:
    """Return the last full stop, question or exclamation mark: how the writer lets go."""
    signs = [word[-1] for word in words(body) if word[-1] in ".!?"]
    return signs[-1] if signs else ""
