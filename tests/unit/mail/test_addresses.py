"""Address lists and Message-IDs: total, bounded, and not fooled by addresses in names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.addresses import Address, clean_address, read_addresses, read_message_ids, without_tag
from itaca.mail.defects import Defects
from itaca.mail.limits import Limits


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Mario@Example.org", [Address("", "mario@example.org")]),
        (b'"Rossi, Mario" <m@x.it>, <n@x.it>', [Address("Rossi, Mario", "m@x.it"), Address("", "n@x.it")]),
        (b"alice@example.org <bob@evil.example>", [Address("alice@example.org", "bob@evil.example")]),
        (b'"alice@example.org" <bob@evil.example>', [Address("alice@example.org", "bob@evil.example")]),
        (b"m@x.it (Mario (il grande))", [Address("Mario il grande", "m@x.it")]),
        (b"Gruppo: a@x.it, b@x.it;", [Address("", "a@x.it"), Address("", "b@x.it")]),
        (b"<@relay.example:m@x.it>", [Address("", "m@x.it")]),
        (b"=?utf-8?Q?Niccol=C3=B2?= <n@x.it>", [Address("Niccolò", "n@x.it")]),
        (b"Mario <m@x.it", [Address("Mario", "m@x.it")]),
        (b"mailto:m@x.it", [Address("", "m@x.it")]),
        (b"Mailer", [Address("Mailer", "")]),
        (b"", []),
        (b",,;<>", []),
    ],
)
def test_address_lists(value: bytes, expected: list[Address]) -> None:
    """Names, groups, comments, routes and missing brackets are read as they were meant."""
    assert read_addresses(value) == expected


def test_lm13_nested_comments_do_not_recurse() -> None:
    """Comments of any depth are a matter of counting."""
    assert read_addresses(b"(" * 50_000 + b"x" + b")" * 50_000 + b"m@x.it")[-1].address == "m@x.it"


def test_addresses_beyond_the_limit_are_noted() -> None:
    """Ten thousand receivers are cut at the limit."""
    defects = Defects()
    found = read_addresses(b", ".join(b"u%d@x.it" % n for n in range(10_000)), Limits(), defects)
    assert len(found) == 100
    assert "limit:addresses" in defects


@given(st.one_of(st.binary(max_size=300), st.text(alphabet='"<>@(),;:\\ ab.\n', max_size=200).map(str.encode)))
def test_addresses_are_total(value: bytes) -> None:
    """Any bytes give a list whose addresses hold an at sign and no white space."""
    for mailbox in read_addresses(value):
        assert "\n" not in mailbox.name
        assert not mailbox.address or ("@" in mailbox.address and not mailbox.address.split()[1:])


def test_clean_address_and_tag() -> None:
    """Addresses are compared in lower case and without their plus tag."""
    assert clean_address("<Info@Shop.example>") == "info@shop.example"
    assert clean_address("no address") == ""
    assert without_tag("info+it-7k3f2@shop.example") == "info@shop.example"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"<a@b>", ["<a@b>"]),
        (b"< a@b > <c@d>", ["<a@b>", "<c@d>"]),
        (b"a@b", ["<a@b>"]),
        (b"<without at>", []),
        (b"", []),
    ],
)
def test_message_ids(value: bytes, expected: list[str]) -> None:
    """Message-IDs are found with and without brackets."""
    assert read_message_ids(value) == expected


def test_references_keep_the_first_and_the_newest() -> None:
    """A thread of a thousand mails keeps its root and its end."""
    found = read_message_ids(b" ".join(b"<%d@x>" % n for n in range(1_000)))
    assert (len(found), found[0], found[-1]) == (100, "<0@x>", "<999@x>")
