"""What reads and what judges: the real reader, and a judge who knows what the writers meant and has bad days."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache

from itaca.contracts.events import Judgement, WrittenText
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent, Verdict
from itaca.errors import TransientError
from itaca.mail.model import Envelope, MailText
from itaca.mail.read import read_mail
from itaca.readers import KILLED, Unread
from services.classifier.judge import Unjudged
from tests.simulation.chances import Chances
from tests.simulation.mails import Letter

_TOKEN = re.compile(r"\(k(\d+)")
_MODEL = ModelVersion("simulated-1")


class ReadingRoom:
    """Reads mail in this process; what would kill a reading process is answered as the real pool does."""

    def __init__(self, letters: Sequence[Letter], chances: Chances) -> None:
        self._letters, self._chances = letters, chances

    async def read(self, mails: Sequence[Unread]) -> list[MailText]:
        await asyncio.sleep(0)
        if self._chances.happens("reader_fails"):
            raise TransientError("no mail can be read now")
        return [self._read(mail) for mail in mails]

    async def close(self) -> None:
        """There is no process to stop."""

    def _read(self, mail: Unread) -> MailText:
        if any(one.raw == mail.raw and one.temper == "deadly_to_reader" for one in self._letters):
            return KILLED
        return _read_once(mail.raw, mail.envelope)


@lru_cache(maxsize=10_000)
def _read_once(raw: bytes, envelope: Envelope) -> MailText:
    """Read with the real reader; the same mail stands in many runs, and reading it gives the same."""
    return read_mail(raw, envelope)


class Bench:
    """The judge of one process."""

    def __init__(self, letters: Sequence[Letter], chances: Chances) -> None:
        self._letters, self._chances = letters, chances

    def problems(self) -> Sequence[str]:
        return ()

    async def judge(self, texts: Sequence[WrittenText]) -> list[Judgement | Unjudged]:
        await asyncio.sleep(0)
        if self._chances.happens("judge_hangs"):
            await asyncio.sleep(25)
        if self._chances.happens("judge_fails"):
            raise RuntimeError("a bug of the judge's")
        return [await self._one(text) for text in texts]

    async def _one(self, text: WrittenText) -> Judgement | Unjudged:
        found = _TOKEN.search(text.subject) or _TOKEN.search(text.new_text)
        letter = self._letters[int(found[1])] if found else None
        if letter is None:
            return _judgement({}, ("no text that a model could judge",))
        if letter.temper == "deadly_to_judge":
            return Unjudged("judging this mail ended its worker: exit code -9")
        if letter.temper == "hangs_judge":
            await asyncio.sleep(25)
            return Unjudged("judging this mail ended its worker: out of time")
        verdicts = {Intent(one): Verdict.YES for one in letter.meant}
        if letter.temper == "unsure":
            verdicts = {Intent(one): Verdict.UNSURE for one in letter.meant or ("complaint",)}
        if letter.temper == "wrong":
            verdicts = {Intent.ORDER: Verdict.YES}
        return _judgement(verdicts)


def _judgement(verdicts: dict[Intent, Verdict], reasons: tuple[str, ...] = ()) -> Judgement:
    every = {intent: verdicts.get(intent, Verdict.NO) for intent in Intent}
    scores = {intent: {"yes": 0.9, "no": 0.1}.get(verdict.value, 0.5) for intent, verdict in every.items()}
    needs = bool(reasons) or Verdict.UNSURE in every.values()
    return Judgement(model=_MODEL, scores=scores, verdicts=every, needs_review=needs, review_reasons=reasons)
