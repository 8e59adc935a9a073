"""MailReceived in, MailClassified out.

In:     bodies of MailReceived, as many as the batch holds.
Out:    one MailClassified each, published before the ack.
Fails:  a body that is no MailReceived is dead at once. A mail that kills its worker or takes too long is tried
        again, and after the last attempt a person takes it over; its neighbours are answered all the same.
        Without a usable model every mail is answered "unsure, a person must look"; nothing waits and nothing
        is guessed. A broker that is away: TransientError, and the batch is held.
"""

from collections.abc import Awaitable, Callable, Sequence

from itaca.broker.settlement import Ack, DeadLetter, Retry, Settlement
from itaca.contracts.codec import decode, encode
from itaca.contracts.events import Judgement, MailClassified, MailReceived
from itaca.errors import PermanentError
from services.classifier.judge import Judge, Unjudged

Publish = Callable[[Sequence[bytes]], Awaitable[None]]
Observe = Callable[[Judgement], None]
Shadow = Callable[[Sequence[tuple[MailReceived, Judgement]]], None]


class ClassifyHandler:
    """Judges a batch and publishes the answers; the same body and model give the same event."""

    def __init__(self, judge: Judge, publish: Publish, observe: Observe, shadow: Shadow | None = None) -> None:
        self._judge, self._publish, self._observe, self._shadow = judge, publish, observe, shadow

    async def __call__(self, bodies: Sequence[bytes]) -> list[Settlement]:
        """Return one settlement per body, in order.

        Raises:
            TransientError: the broker took some of the answers or none; the batch may be handled again.
        """
        read = [_read(body) for body in bodies]
        mails = [mail for mail in read if isinstance(mail, MailReceived)]
        answers = await self._judge.judge([mail.text for mail in mails]) if mails else []
        judged = [(m, answer) for m, answer in zip(mails, answers, strict=True) if isinstance(answer, Judgement)]
        if judged:
            await self._publish(
                [encode(MailClassified(mail_id=mail.mail_id, judgement=answer)) for mail, answer in judged]
            )
            self._tell(judged)
        settled = iter(answers)
        return [mail if isinstance(mail, DeadLetter) else _settlement(next(settled)) for mail in read]

    def _tell(self, judged: Sequence[tuple[MailReceived, Judgement]]) -> None:
        """Tell of what is published already: whoever listens can change no answer any more."""
        for _, judgement in judged:
            self._observe(judgement)
        if self._shadow is not None:
            self._shadow(judged)


def _read(body: bytes) -> MailReceived | DeadLetter:
    try:
        return decode(MailReceived, body)
    except PermanentError as error:
        return DeadLetter(str(error))


def _settlement(answer: Judgement | Unjudged) -> Settlement:
    return Retry(answer.reason) if isinstance(answer, Unjudged) else Ack()
