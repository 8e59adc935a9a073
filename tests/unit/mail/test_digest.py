"""The key of a mail."""

import pytest

from itaca.mail.digest import mail_digest
from itaca.mail.model import Envelope

ONE = Envelope(sender="a@x", recipients=("b@x", "c@x"))


def test_the_order_of_recipients_does_not_matter() -> None:
    """A sender that lists its recipients in another order repeats the same mail."""
    assert mail_digest(ONE, b"raw") == mail_digest(Envelope(sender="a@x", recipients=("c@x", "b@x")), b"raw")


@pytest.mark.parametrize(
    ("envelope", "raw"),
    [
        (ONE, b"raW"),
        (ONE, b"raw\n"),
        (Envelope(sender="", recipients=("b@x", "c@x")), b"raw"),
        (Envelope(sender="a@x", recipients=("b@x",)), b"raw"),
        (Envelope(sender="a@xb@x", recipients=("c@x",)), b"raw"),
        (Envelope(sender="a@x", recipients=("b@xc@x",)), b"raw"),
    ],
)
def test_any_difference_is_another_mail(envelope: Envelope, raw: bytes) -> None:
    """One byte, one recipient more or less, or a border that moved between fields gives another key."""
    assert mail_digest(envelope, raw) != mail_digest(ONE, b"raw")
