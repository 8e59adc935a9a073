"""What our own border host says about the sender (RFC 8601); nobody else's word counts."""

import re
from enum import StrEnum

from itaca.mail.addresses import domain_of
from itaca.mail.headers import Headers
from itaca.mail.rules import ReadingRules


class Verdict(StrEnum):
    """``PASS`` and ``FAIL`` are the DMARC result of a trusted host; everything else is ``UNKNOWN``."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"


_BY_HOST = re.compile(r"\bby\s+([a-z0-9._-]{1,255})", re.IGNORECASE)
_DMARC = re.compile(r"(?:^|;)\s*dmarc\s*=\s*([a-z]+)([^;]*)", re.IGNORECASE)
_FROM_DOMAIN = re.compile(r"header\.from\s*=\s*([^\s;()]+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_MAX_FIELDS = 20


def authentication_verdict(headers: Headers, from_address: str, rules: ReadingRules) -> Verdict:
    """Read the topmost Authentication-Results of trusted hosts.

    A field counts only above every Received line except those of relays that are ours: what stands below was in
    the mail when it reached us, and a forger can write any authserv-id there (RFC 8601, section 5).
    """
    for value in _trusted_fields(headers, rules):
        match = _DMARC.search(value)
        if match is None:
            continue
        result = match[1].lower()
        domain = _FROM_DOMAIN.search(match[2])
        is_about_writer = domain is None or domain[1].lower().rpartition("@")[2] == domain_of(from_address)
        if result == "pass" and is_about_writer:
            return Verdict.PASS
        return Verdict.FAIL if result == "fail" else Verdict.UNKNOWN
    return Verdict.UNKNOWN


def _trusted_fields(headers: Headers, rules: ReadingRules) -> list[str]:
    found: list[str] = []
    if not rules.trusted_authserv_ids:
        return found
    for name, raw in headers:
        if name == "received" and not _is_ours(raw, rules):
            break
        if name == "authentication-results":
            value = _COMMENT.sub("", raw[:10_000].decode("ascii", "replace"))
            words = value.partition(";")[0].split()
            if not words or words[0].lower() not in rules.trusted_authserv_ids or len(found) >= _MAX_FIELDS:
                break
            found.append(value)
    return found


def _is_ours(received: bytes, rules: ReadingRules) -> bool:
    match = _BY_HOST.search(received[:2_000].decode("ascii", "replace"))
    return match is not None and match[1].lower() in rules.trusted_relays
