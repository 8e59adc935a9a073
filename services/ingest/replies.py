"""What the SMTP door says: fixed texts with enhanced status codes (RFC 2034) and nothing of ours in them."""

from itaca.errors import PermanentError

CLOSING = "421 4.3.2 Shutting down, try again later"
TOO_MANY_CONNECTIONS = "421 4.7.0 Too many connections, try again later"
TOO_MANY_ERRORS = "421 4.7.0 Too many errors"
TOO_SLOW = "421 4.4.2 Data arrives too slowly, try again later"
IDLE = "421 4.4.2 Nothing was said for too long"
LEDGER_AWAY = "451 4.3.0 Cannot take mail now, try again later"
UNFORESEEN = "451 4.3.0 Local error, try again later"
DISK_LOW = "452 4.3.1 Storage is low, try again later"
MEMORY_LOW = "452 4.3.1 Too much mail in hand, try again later"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients, send the rest in another transaction"
TOO_LARGE = "552 5.3.4 Message is larger than the limit announced by SIZE"
RELAY_DENIED = "550 5.7.1 Relaying denied"
NOT_OURS = "550 5.1.1 Recipient is not served here"
LOOPING = "550 5.4.6 Too many hops"
MALFORMED_ADDRESS = "553 5.1.3 Malformed address"
UNKNOWN_COMMAND = "500 5.5.1 Command not recognized"
NO_WEB_SERVER = "421 4.7.0 Only SMTP is spoken here"

REASONS: dict[str, str] = {
    CLOSING: "shutdown",
    TOO_MANY_CONNECTIONS: "connections",
    TOO_MANY_ERRORS: "client",
    TOO_SLOW: "slow",
    IDLE: "idle",
    LEDGER_AWAY: "ledger",
    UNFORESEEN: "unforeseen",
    DISK_LOW: "disk",
    MEMORY_LOW: "memory",
    TOO_MANY_RECIPIENTS: "recipients",
    TOO_LARGE: "size",
    RELAY_DENIED: "relay",
    NOT_OURS: "recipient",
    LOOPING: "hops",
}
"""Reply to metric label; what is not here is ``client`` (4xx) or ``protocol`` (5xx)."""

_ENHANCED: dict[str, str] = {
    "214": "2.0.0",
    "221": "2.0.0",
    "250": "2.0.0",
    "252": "2.5.0",
    "421": "4.7.0",
    "451": "4.3.0",
    "452": "4.3.1",
    "454": "4.7.0",
    "500": "5.5.1",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "530": "5.7.0",
    "535": "5.7.8",
    "538": "5.7.11",
    "552": "5.3.4",
    "553": "5.1.3",
    "554": "5.7.0",
    "555": "5.5.4",
}
_TEXTS: dict[str, str] = {"552": TOO_LARGE, "553": MALFORMED_ADDRESS}
"""Replies of aiosmtpd that have a text of ours."""


class RefusedError(PermanentError):
    """This mail is answered with ``reply`` (4xx or 5xx), by a rule and not by accident."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


def enhanced(status: str) -> str:
    """Return the one-line reply with an enhanced status code, as RFC 2034 demands of all but greeting and 3xx.

    An unknown command is not repeated: what a web page made a browser send here must not come back to it.
    """
    code, text = status[:3], status[4:]
    default = _ENHANCED.get(code)
    if code in _TEXTS:
        return _TEXTS[code]
    if default is None or text[:2] in ("2.", "4.", "5."):
        return status
    if text.startswith("Error: command"):
        return UNKNOWN_COMMAND
    return f"{code} {default} {text.removeprefix('Error: ')}"


def reason_of(status: str) -> str:
    """Return the metric label of a 4xx or 5xx reply."""
    return REASONS.get(status, "client" if status.startswith("4") else "protocol")
