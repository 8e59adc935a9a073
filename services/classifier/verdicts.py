"""From probabilities to verdicts, and when a person must look; pure rules with the model's own thresholds."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from itaca.contracts.events import Judgement, WrittenText
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent, Verdict
from services.classifier.text import invisible_share

SUPPORTED_LANGUAGES = ("it", "en", "de", "fr", "es")
NO_MODEL = ModelVersion("none")
MAX_INVISIBLE_SHARE = 0.05
MAX_UNKNOWN_SHARE = 0.6


class Thresholds(BaseModel):
    """Limits of one intent: at or above ``yes`` it holds, below ``no`` it does not, between them nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    yes: float = Field(ge=0.0, le=1.0)
    no: float = Field(ge=0.0, le=1.0)

    def verdict(self, score: float) -> Verdict:
        """Return the verdict for a probability."""
        if score >= self.yes:
            return Verdict.YES
        return Verdict.NO if score < self.no else Verdict.UNSURE


def verdicts_for(scores: Mapping[Intent, float], thresholds: Mapping[Intent, Thresholds]) -> dict[Intent, Verdict]:
    """Return one verdict per intent."""
    return {intent: thresholds[intent].verdict(scores[intent]) for intent in Intent}


def review_reasons(
    text: WrittenText,
    new: Mapping[Intent, Verdict],
    whole: Mapping[Intent, Verdict] | None,
    unproven_languages: frozenset[str] = frozenset(),
    unknown_share: float = 0.0,
) -> tuple[str, ...]:
    """Return, in words, why a person must look; empty if nobody must.

    ``whole`` are the verdicts with the quoted text, or None where nothing is quoted. ``unproven_languages`` are
    those for which the model has no bound: their "no complaint" is never final. ``unknown_share`` of the words,
    in [0, 1], stood in no training mail.
    """
    reasons = [f"the model is not sure about {intent.value}" for intent in Intent if new[intent] is Verdict.UNSURE]
    if whole is not None:
        reasons.extend(
            f"with the quoted text it looks like {intent.value}, without it does not"
            for intent in Intent
            if new[intent] is Verdict.NO and _is_said(intent, whole[intent])
        )
    reasons.extend(_unfit_text(text))
    if unknown_share >= MAX_UNKNOWN_SHARE:
        reasons.append("most of its words are unknown to the model: another language, or no language at all")
    if text.language in unproven_languages and new[Intent.COMPLAINT] is Verdict.NO:
        reasons.append(f"too few labelled mails in language {text.language} to rule a complaint out")
    return tuple(reasons)


def _is_said(intent: Intent, whole: Verdict) -> bool:
    """Say whether the whole text speaks for an intent; of a complaint the mere doubt is enough."""
    return whole is Verdict.YES or (intent is Intent.COMPLAINT and whole is Verdict.UNSURE)


def _unfit_text(text: WrittenText) -> list[str]:
    """Return what makes a text one that no model can answer for."""
    written = text.subject + text.new_text
    reasons: list[str] = []
    if not any(map(str.isalnum, written)):
        reasons.append("no text that a model could judge")
    if text.language and text.language not in SUPPORTED_LANGUAGES:
        reasons.append(f"the model does not know the language {text.language}")
    if invisible_share(written) > MAX_INVISIBLE_SHARE:
        reasons.append("many invisible characters: somebody hides words")
    return reasons


def without_model(reason: str) -> Judgement:
    """Return the judgement of no model at all: unsure of everything, so that a person decides."""
    return Judgement(
        model=NO_MODEL,
        scores=dict.fromkeys(Intent, 0.5),
        verdicts=dict.fromkeys(Intent, Verdict.UNSURE),
        needs_review=True,
        review_reasons=(f"no usable model: {reason}",),
    )
