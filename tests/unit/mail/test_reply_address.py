"""Addresses that carry a case: short, signed, the same in capitals, and nothing for whoever makes one up."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.contracts.ids import CaseReference, new_reference
from itaca.keys import Keyring
from itaca.mail.model import EntityKind, Envelope, MailText
from itaca.mail.reply_address import ReplyAddresses, without_token

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
ADDRESSES = ReplyAddresses(Keyring([OLD]))
SHOP = "reclami@bottega.example"
REFERENCE = CaseReference("IT-7K3F2-9Q0XZ")
TAGGED = ADDRESSES.tagged(SHOP, REFERENCE)


@given(st.integers(min_value=0))
def test_every_case_comes_back_from_its_address(seed: int) -> None:
    """Whatever the reference, in capitals too; the plain address is found again."""
    reference = new_reference(random.Random(seed))
    tagged = ADDRESSES.tagged(SHOP, reference)
    assert ADDRESSES.references([tagged]) == ADDRESSES.references([tagged.upper()]) == [reference]
    assert without_token(tagged) == SHOP


def test_an_address_is_short_and_lower() -> None:
    """Twenty letters and digits behind the plus."""
    assert (TAGGED, len(TAGGED)) == (TAGGED.lower(), len(SHOP) + 21)
    assert TAGGED.startswith("reclami+7k3f29q0xz")


def test_a_reply_address_is_not_tagged_twice() -> None:
    """What the customer wrote to may carry another case: the answer carries its own."""
    other = CaseReference("IT-00000-00001")
    assert ADDRESSES.references([ADDRESSES.tagged(TAGGED, other)]) == [other]


@pytest.mark.parametrize(
    "address",
    [
        SHOP,
        TAGGED.replace("7k3f2", "7k3f3"),
        TAGGED[:27] + ("a" if TAGGED[27] != "a" else "b") + TAGGED[28:],
        ReplyAddresses(Keyring([NEW])).tagged(SHOP, REFERENCE),
        "reclami+@bottega.example",
        "reclami+7k3f29q0xz@bottega.example",
        "+" * 60,
        "",
    ],
)
def test_what_we_did_not_sign_carries_nothing(address: str) -> None:
    """Another case under a signature, another signature, another Itaca's, none at all."""
    assert ADDRESSES.references([address]) == []


def test_an_older_key_still_reads() -> None:
    """After a change of keys the answers that are out there are understood."""
    assert ReplyAddresses(Keyring([NEW, OLD])).references([TAGGED]) == [REFERENCE]


@pytest.mark.parametrize("plain", [f"{'x' * 50}@bottega.example", "reclami+negozio@bottega.example"])
def test_an_address_without_room_stays_as_it_is(plain: str) -> None:
    """Too long with a token, or extended already: a reply finds its case by the other ways."""
    assert ADDRESSES.tagged(plain, REFERENCE) == plain == without_token(plain)


def test_a_mail_names_the_cases_of_its_addresses() -> None:
    """By the envelope, by To, by Cc, each once; the subject may have named it already."""
    envelope = Envelope(sender="anna@posta.example", recipients=(TAGGED.upper(),))
    for text in (MailText(), MailText(recipients=(TAGGED,)), MailText(cc=(TAGGED,))):
        (entity,) = ADDRESSES.recognise(text, envelope).entities
        assert (entity.kind, entity.value) == (EntityKind.CASE_REFERENCE, REFERENCE)
    named = ADDRESSES.recognise(MailText(), envelope)
    assert ADDRESSES.recognise(named, envelope) is named
