"""What was said in a case, as its page shows it."""

from datetime import UTC, datetime

import pytest

from itaca.contracts.ids import MailId
from itaca.storage.desk_case import Received
from services.desk.conversation import bubbles
from tests.support.case_facts import WRITER, mail_text

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("role", "sender", "is_warned_of"),
    [("related", "x@altrove.example", True), ("related", WRITER, False), ("appended", "x@altrove.example", False)],
)
def test_only_a_strangers_mail_beside_the_case_is_warned_of(role: str, sender: str, is_warned_of: bool) -> None:
    """The customer's own thanks, or a reply that joined another case, are the customer's."""
    mail = Received(MailId("mail-1"), role, NOW, mail_text("grazie", sender=sender), None)
    (bubble,) = bubbles([mail], [], [], [], (WRITER,))
    assert bubble.unverified is is_warned_of
