"""The handler: one settlement per mail, whatever its neighbours do."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from itaca.broker.settlement import Ack, DeadLetter, Retry
from itaca.contracts.codec import decode, encode
from itaca.contracts.events import Judgement, MailClassified, MailReceived, WrittenText
from itaca.contracts.ids import MailId
from itaca.errors import TransientError
from services.classifier.handler import ClassifyHandler
from services.classifier.judge import Unjudged
from services.classifier.verdicts import without_model

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class FakeJudge:
    """Answers unsure, and fails on texts that say so; remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def judge(self, texts: Sequence[WrittenText]) -> list[Judgement | Unjudged]:
        self.asked.append([text.new_text for text in texts])
        return [Unjudged("out of time") if text.new_text == "bad" else without_model("test") for text in texts]

    def problems(self) -> Sequence[str]:
        return ()


class Published:
    """Keeps what was published; refuses when told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.is_away = False

    async def __call__(self, bodies: Sequence[bytes]) -> None:
        if self.is_away:
            raise TransientError("the broker is away")
        self.bodies.extend(bodies)


def _body(mail_id: str, text: str) -> bytes:
    return encode(MailReceived(mail_id=MailId(mail_id), received_at=NOW, text=WrittenText(subject="", new_text=text)))


async def test_each_mail_is_answered_in_one_batch() -> None:
    """Two mails are judged together and both answers are published before the ack."""
    judge, published, seen = FakeJudge(), Published(), []
    settled = await ClassifyHandler(judge, published, seen.append)([_body("a", "x"), _body("b", "y")])
    assert settled == [Ack(), Ack()]
    assert judge.asked == [["x", "y"]]
    assert [decode(MailClassified, body).mail_id for body in published.bodies] == ["a", "b"]
    assert len(seen) == 2


async def test_lm28_a_mail_that_cannot_be_judged_takes_no_neighbour_with_it() -> None:
    """The bad one is retried, the unreadable one is dead, the good ones are answered, in their places."""
    published = Published()
    bodies = [_body("a", "x"), b"no event", _body("b", "bad"), _body("c", "y")]
    settled = await ClassifyHandler(FakeJudge(), published, lambda _: None)(bodies)
    assert [type(one) for one in settled] == [Ack, DeadLetter, Retry, Ack]
    assert [decode(MailClassified, body).mail_id for body in published.bodies] == ["a", "c"]


async def test_nothing_is_acked_that_was_not_published() -> None:
    """A broker that is away is a TransientError, not an ack."""
    published = Published()
    published.is_away = True
    with pytest.raises(TransientError):
        await ClassifyHandler(FakeJudge(), published, lambda _: None)([_body("a", "x")])


async def test_the_same_body_gives_the_same_event() -> None:
    """Handled twice, the second event equals the first byte for byte."""
    published = Published()
    handler = ClassifyHandler(FakeJudge(), published, lambda _: None)
    await handler([_body("a", "x")])
    await handler([_body("a", "x")])
    assert published.bodies[0] == published.bodies[1]


async def test_the_shadow_hears_only_of_what_is_published() -> None:
    """A batch that the broker did not take comes again; the shadow would count it twice."""
    published, heard = Published(), []
    handler = ClassifyHandler(FakeJudge(), published, lambda _: None, heard.extend)
    published.is_away = True
    with pytest.raises(TransientError):
        await handler([_body("a", "x")])
    assert heard == []
    published.is_away = False
    await handler([_body("a", "x"), _body("b", "bad"), b"{"])
    assert [mail.mail_id for mail, _ in heard] == ["a"]
