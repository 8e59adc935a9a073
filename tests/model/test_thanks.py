"""No mail of the corpus that wants something is taken for thanks alone."""

import json
from pathlib import Path

from itaca.cases.thanks import says_only_thanks
from itaca.mail.model import MailText
from itaca.mail.quotes import split_quotes

CORPUS = sorted((Path(__file__).parents[2] / "models" / "corpus").glob("*.jsonl"))


def test_a_mail_that_wants_something_is_never_only_thanks() -> None:
    """By its words alone: each as if it were a reply without a file, under a subject that says nothing new."""
    rows = [json.loads(line) for path in CORPUS for line in path.read_text(encoding="utf-8").splitlines()]
    wanting = [row for row in rows if set(row["labels"]) & {"complaint", "cancellation", "order"}]
    caught = [row["id"] for row in wanting if says_only_thanks(_reply(row))]
    assert caught == []
    assert len(wanting) > 5_000


def _reply(row: dict[str, str]) -> MailText:
    name = row["from"].partition("<")[0]
    return MailText(subject="Re: ", new_text=split_quotes(row["body"]).new_text, sender_name=name)
