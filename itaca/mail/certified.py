"""Italian certified mail (PEC, RFC 6109): the message inside the envelope is the mail; receipts are receipts."""

from dataclasses import dataclass

from itaca.mail.defects import NOT_DELIVERED, Defects
from itaca.mail.limits import Limits
from itaca.mail.model import CertifiedKind
from itaca.mail.structure import Part, parse_enclosed

_INNER_NAME = "postacert.eml"
_MAX_PARTS = 200
_FAILURES = frozenset({"non-accettazione", "errore-consegna", "mancata-consegna", "rilevazione-virus"})
"""Receipts by which nothing arrives; the warning that nothing has arrived so far is none of them."""


@dataclass(frozen=True, slots=True)
class Certified:
    """What kind of certified message a mail is, and the part to read: the inner mail, or the mail itself."""

    kind: CertifiedKind
    mail: Part


def open_certified(root: Part, limits: Limits, defects: Defects) -> Certified:
    """Unwrap a transport envelope (``X-Trasporto: posta-certificata``) or an anomaly envelope (``errore``).

    An envelope without a message inside is read as the ordinary mail that it also is, with a defect: one
    malformed message must not hide its own text nor stop the others.
    """
    if "x-ricevuta" in root.headers:
        defects.note(NOT_DELIVERED if root.headers.text("x-ricevuta").lower() in _FAILURES else "")
        return Certified(CertifiedKind.RECEIPT, root)
    transport = root.headers.text("x-trasporto").lower()
    if transport not in ("posta-certificata", "errore"):
        return Certified(CertifiedKind.NONE, root)
    inner = _find_inner(root, limits, defects)
    if inner is None:
        defects.note("pec:malformed")
        return Certified(CertifiedKind.NONE, root)
    return Certified(CertifiedKind.ENVELOPE if transport == "posta-certificata" else CertifiedKind.ANOMALY, inner)


def _find_inner(root: Part, limits: Limits, defects: Defects) -> Part | None:
    """Find the original message: by its name first, because the writer's own mail may enclose others."""
    candidates: list[Part] = []
    waiting = [root]
    for _ in range(_MAX_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        if part.file_name.lower() == _INNER_NAME:
            return _opened(part, limits, defects)
        if part.is_enclosed_mail and part is not root:
            candidates.append(part)
        else:
            waiting.extend(part.children)
    return _opened(candidates[0], limits, defects) if candidates else None


def _opened(part: Part, limits: Limits, defects: Defects) -> Part | None:
    if part.children and part.is_enclosed_mail:
        inner = part.children[0]
    else:
        inner = parse_enclosed(part.content(defects), limits, defects)
    is_mail = any(name in inner.headers for name in ("from", "subject", "to", "date"))
    return inner if is_mail else None
