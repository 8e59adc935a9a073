"""Readers for the reading processes: one that reads, and some that do what hostile mail makes a library do."""

import os

from itaca.mail.model import Envelope, MailText


def read_or_die(raw: bytes, envelope: Envelope) -> MailText:
    """Read the first line as the subject; obey the words KILL, HANG, BURN, EAT and RAISE in a mail."""
    if b"KILL" in raw:
        os.abort()
    if b"HANG" in raw:
        os.read(os.pipe()[0], 1)
    if b"BURN" in raw:
        while True:
            pass
    if b"EAT" in raw:
        bytes(64 * 1024 * 1024 * 1024)
    if b"RAISE" in raw:
        raise RuntimeError("a parser that nobody expected to fail")
    return MailText(subject=raw.decode(), sender=envelope.sender, new_text=str(os.getpid()))
