"""From scores to verdicts and reviews."""

import pytest

from itaca.contracts.events import WrittenText
from itaca.contracts.intents import Intent, Verdict
from services.classifier.verdicts import Thresholds, review_reasons, verdicts_for, without_model

NO = dict.fromkeys(Intent, Verdict.NO)


def _text(new: str = "buongiorno", **fields: object) -> WrittenText:
    return WrittenText(subject="", new_text=new, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "verdict"),
    [(0.8, Verdict.YES), (0.5, Verdict.YES), (0.49, Verdict.UNSURE), (0.1, Verdict.UNSURE), (0.09, Verdict.NO)],
)
def test_between_the_thresholds_nobody_knows(score: float, verdict: Verdict) -> None:
    """Both limits belong to the side of caution: at ``no`` it is unsure, at ``yes`` it holds."""
    limits = dict.fromkeys(Intent, Thresholds(yes=0.5, no=0.1))
    assert verdicts_for(dict.fromkeys(Intent, score), limits) == dict.fromkeys(Intent, verdict)


def test_a_clear_mail_needs_nobody() -> None:
    """Three firm answers in a known language need no review."""
    assert review_reasons(_text(language="it"), NO, None) == ()


def test_an_unsure_verdict_goes_to_a_person_with_its_name() -> None:
    """The reason names the intent."""
    (reason,) = review_reasons(_text(), {**NO, Intent.COMPLAINT: Verdict.UNSURE}, None)
    assert "complaint" in reason


@pytest.mark.parametrize("whole", [Verdict.YES, Verdict.UNSURE])
def test_lm34_a_complaint_seen_only_with_the_quoted_text_goes_to_a_person(whole: Verdict) -> None:
    """Where stripping quotes turns a complaint, or the doubt about one, into a no, a person looks."""
    (reason,) = review_reasons(_text(), NO, {**NO, Intent.COMPLAINT: whole})
    assert "quoted" in reason


def test_doubt_about_an_order_in_the_quoted_text_needs_nobody() -> None:
    """What is quoted is often an order or its confirmation: only a firm yes is worth a look."""
    assert review_reasons(_text(language="it"), NO, {**NO, Intent.ORDER: Verdict.UNSURE}) == ()


@pytest.mark.parametrize("text", [_text(""), _text("...!"), _text("reclamo", language="nl"), _text("a\u200b" * 20)])
def test_a_text_no_model_can_answer_for_goes_to_a_person(text: WrittenText) -> None:
    """No letters, another language, hidden characters."""
    assert len(review_reasons(text, NO, None)) == 1


def test_a_language_without_proof_never_rules_a_complaint_out() -> None:
    """Too few labelled mails: "no complaint" is read by a person, a complaint is a complaint."""
    assert review_reasons(_text(language="fr"), NO, None, frozenset({"fr"}))
    assert not review_reasons(_text(language="fr"), {**NO, Intent.COMPLAINT: Verdict.YES}, None, frozenset({"fr"}))


def test_lm33_no_model_is_no_default() -> None:
    """Without a model nothing is guessed: unsure of everything, to a person, with the reason."""
    judgement = without_model("the file is broken")
    assert judgement.needs_review
    assert judgement.model == "none"
    assert set(judgement.verdicts.values()) == {Verdict.UNSURE}
    assert judgement.review_reasons == ("no usable model: the file is broken",)


def test_a_text_of_unknown_words_goes_to_a_person() -> None:
    """Six in ten words in no training mail: another language, a key block, a cipher."""
    assert review_reasons(_text(language="it"), NO, None, unknown_share=0.59) == ()
    (reason,) = review_reasons(_text(language="it"), NO, None, unknown_share=0.6)
    assert "unknown" in reason
