"""Puts the reading of mail together for a process: rules from the shared settings, readers, dispatcher."""

import functools

from itaca.dispatch import Dispatcher
from itaca.mail.read import read_mail
from itaca.mail.rules import ReadingRules
from itaca.mail.written import written_text
from itaca.process import Parts
from itaca.readers import ReaderLimits, Readers
from itaca.settings import SharedSettings
from itaca.storage.mails import save_texts


def reading_rules(settings: SharedSettings) -> ReadingRules:
    """Return what the reader must know about us."""
    return ReadingRules(
        own_domains=frozenset(domain.lower() for domain in settings.own_domains),
        trusted_authserv_ids=frozenset(name.lower() for name in settings.trusted_authserv_ids),
    )


def open_dispatcher(parts: Parts, limits: ReaderLimits) -> Dispatcher:
    """Return a dispatcher for this process; its reading processes start with the first mail."""
    readers = Readers(functools.partial(read_mail, rules=reading_rules(parts.settings)), limits)
    return Dispatcher(readers, written_text, parts.database, save_texts, parts.broker, parts.metrics, parts.clock)
