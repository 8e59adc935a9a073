"""Puts the reading of mail together for a process: rules from the shared settings, readers, dispatcher."""

import functools
from collections.abc import Sequence

from itaca.dispatch import Dispatcher, Reading
from itaca.keys import open_keyring
from itaca.mail.entity_patterns import default_patterns, load_patterns
from itaca.mail.model import MailText
from itaca.mail.read import read_mail
from itaca.mail.reply_address import ReplyAddresses
from itaca.mail.rules import ReadingRules
from itaca.mail.written import written_text
from itaca.process import Parts
from itaca.readers import ReaderLimits, Readers, Unread
from itaca.settings import SharedSettings
from itaca.storage.mails import save_texts


def reading_rules(settings: SharedSettings) -> ReadingRules:
    """Return what the reader must know about us.

    Raises:
        ConfigurationError: the file of patterns cannot be used; every problem in it at once.
    """
    named = settings.entities_file
    return ReadingRules(
        own_addresses=frozenset(address.lower() for address in settings.own_addresses),
        known_forwarders=frozenset(address.lower() for address in settings.known_forwarders),
        own_domains=frozenset(domain.lower() for domain in settings.own_domains),
        trusted_authserv_ids=frozenset(name.lower() for name in settings.trusted_authserv_ids),
        patterns=default_patterns() if named is None else load_patterns(named),
    )


class RecognisingReaders:
    """Readers whose texts name the cases that the addresses of a mail carry; reading processes hold no key."""

    def __init__(self, readers: Reading, addresses: ReplyAddresses) -> None:
        self._readers, self._addresses = readers, addresses

    async def read(self, mails: Sequence[Unread]) -> list[MailText]:
        texts = await self._readers.read(mails)
        return [self._addresses.recognise(text, mail.envelope) for text, mail in zip(texts, mails, strict=True)]

    async def close(self) -> None:
        await self._readers.close()


def open_dispatcher(parts: Parts, limits: ReaderLimits) -> Dispatcher:
    """Return a dispatcher for this process; its reading processes start with the first mail.

    Raises:
        ConfigurationError: the file of patterns, or the key that signs addresses, cannot be used.
    """
    readers: Reading = Readers(functools.partial(read_mail, rules=reading_rules(parts.settings)), limits)
    if parts.settings.reply_tokens:
        readers = RecognisingReaders(readers, ReplyAddresses(open_keyring(parts.settings)))
    return Dispatcher(readers, written_text, parts.database, save_texts, parts.broker, parts.metrics, parts.clock)
