"""MailReceived in, MailClassified out.

In:     bodies of MailReceived, as many as the batch holds.
Out:    for each body one result: a MailClassified event, or why there is none.
Fails:  a body that is no MailReceived is dead at once. A mail that kills its worker or takes too long is tried
        again, and after the last attempt a person takes it over. Without a usable model every mail is answered
        "unsure, a person must look"; nothing waits and nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from itaca.contracts.codec import decode, encode
from itaca.contracts.events import MailClassified, MailReceived
from itaca.contracts.ids import MailId
from itaca.errors import PermanentError
from services.classifier.judge import Judge, Unjudged


@dataclass(frozen=True)
class Classified:
    """The mail was judged; ``body`` is the encoded MailClassified."""

    mail_id: MailId
    body: bytes
    event: MailClassified


@dataclass(frozen=True)
class Retry:
    """Not this time; the broker brings it again."""

    reason: str


@dataclass(frozen=True)
class Dead:
    """Never: the body is not what the queue carries."""

    reason: str


Result: TypeAlias = Classified | Retry | Dead


async def classify(bodies: Sequence[bytes], judge: Judge) -> list[Result]:
    """Return one result per body, in order. The same body and model give the same event."""
    read = [_read(body) for body in bodies]
    mails = [mail for mail in read if isinstance(mail, MailReceived)]
    answers = iter(await judge.judge([mail.text for mail in mails]) if mails else [])
    results: list[Result] = []
    for mail in read:
        if isinstance(mail, Dead):
            results.append(mail)
            continue
        answer = next(answers)
        if isinstance(answer, Unjudged):
            results.append(Retry(answer.reason))
            continue
        event = MailClassified(mail_id=mail.mail_id, judgement=answer)
        results.append(Classified(mail.mail_id, encode(event), event))
    return results


def _read(body: bytes) -> MailReceived | Dead:
    try:
        return decode(MailReceived, body)
    except PermanentError as error:
        return Dead(str(error))
