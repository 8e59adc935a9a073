"""What a letter is made of: a mail that came in and the cases it is about."""

from datetime import UTC, datetime
from typing import Any

from itaca.contracts.ids import CaseId, CaseReference, MailId
from itaca.contracts.intents import CaseKind, PromiseKind
from itaca.mail.model import Envelope, MailText
from itaca.storage.letters import Context, Matter
from itaca.storage.mails import MailRow

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
MAIL_ID = MailId("0190a5d0-ac96-774b-bcce-b302099a8057")
SHOP = "reclami@shop.example"


def matter(
    kind: CaseKind = CaseKind.COMPLAINT, reference: str = "IT-70000-00001", owner: str = "Chiara Bassi", **more: Any
) -> Matter:
    """Return a case whose promise is due on Thursday the 12th."""
    known = {
        "promise": PromiseKind.ANSWER,
        "due_at": datetime(2026, 3, 12, 17, tzinfo=UTC),
        "level": 0,
        "reasons": (),
        "customer": "anna@posta.example",
    }
    return Matter(CaseId("case"), CaseReference(reference), kind, owner, **{**known, **more})


def context(*matters: Matter, text: MailText | None = None) -> Context:
    mail = MailRow(
        id=MAIL_ID,
        received_at=NOW,
        envelope=Envelope(sender="anna@posta.example", recipients=(SHOP,)),
        client="127.0.0.1",
        size_bytes=100,
        attempts=1,
        drive_at=NOW,
        settled_at=NOW,
        outcome=None,
        settled_by="router",
    )
    return Context(mail, text or MailText(language="it"), matters)
