"""Addresses that carry a case: a reply to ``reclami+<token>@shop.example`` finds it when all else was cut off.

The token is the case's reference and a signature of it, twenty letters and digits together: short enough for any
address (RFC 5321, 4.5.3.1.1), and the same in capitals. It says which case is meant, not who writes: a mail joins the
case only from an address or a domain of its customer.
"""

import base64
import re
from collections.abc import Iterable

from itaca.contracts.ids import CaseReference
from itaca.keys import Keyring
from itaca.mail.entities import reference_of
from itaca.mail.model import Entity, EntityKind, Envelope, MailText

_PURPOSE = "reply address"
_SIGNATURE_CHARS = 10
_LONGEST_LOCAL = 64
_TOKEN = re.compile(rf"[0-9a-z]{{10}}[a-z2-7]{{{_SIGNATURE_CHARS}}}")


class ReplyAddresses:
    """Makes and reads such addresses with the keys of this Itaca; an older key still reads what it made."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def tagged(self, address: str, reference: CaseReference) -> str:
        """Return the address with the case in it; the plain address where there is no room."""
        local, _, domain = without_token(address).rpartition("@")
        letters = reference.removeprefix("IT-").replace("-", "").lower()
        tagged = f"{local}+{letters}{self._signatures(letters)[0]}"
        return f"{tagged}@{domain}" if len(tagged) <= _LONGEST_LOCAL and "+" not in local else address

    def references(self, addresses: Iterable[str]) -> list[str]:
        """Return the cases that these addresses carry, in their order; a token that we never signed carries none."""
        found: list[str] = []
        for address in addresses:
            token = _token_of(address)
            if token and token[-_SIGNATURE_CHARS:] in self._signatures(token[:-_SIGNATURE_CHARS]):
                found.append(reference_of(f"IT-{token[:5]}-{token[5:10]}"))
        return [one for one in dict.fromkeys(found) if one]

    def recognise(self, text: MailText, envelope: Envelope) -> MailText:
        """Return what was read of a mail with the cases that its addresses carry among what it names."""
        carried = self.references((*envelope.recipients, *text.recipients, *text.cc))
        entities = [Entity(kind=EntityKind.CASE_REFERENCE, value=one) for one in carried]
        new = tuple(entity for entity in entities if entity not in text.entities)
        return text.model_copy(update={"entities": (*new, *text.entities)}) if new else text

    def _signatures(self, letters: str) -> list[str]:
        signed = self._keyring.signatures(_PURPOSE, letters.encode())
        return [base64.b32encode(one).decode().lower()[:_SIGNATURE_CHARS] for one in signed]


def without_token(address: str) -> str:
    """Return the address as it is published, without a token of ours; any other tag stays."""
    if not _token_of(address):
        return address
    local, _, domain = address.rpartition("@")
    return f"{local.rpartition('+')[0]}@{domain}"


def _token_of(address: str) -> str:
    tag = address.rpartition("@")[0].rpartition("+")[2].lower()
    return tag if "+" in address and _TOKEN.fullmatch(tag) else ""
