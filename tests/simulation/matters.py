"""One matter of one customer is one case: no second one beside it, and none of somebody else's."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

MARGIN = 3_000_000


def one_case_for_a_matter(facts: Any) -> Iterator[str]:
    """While a case is open, nothing that belongs to it opens another."""
    opener = {case["id"]: facts.letter_of.get(case["opened_by"]) for case in facts.cases}
    cases = [case for case in facts.cases if case["kind"] in ("complaint", "cancellation") and opener[case["id"]]]
    closed = _closings(facts)
    joined = defaultdict(set)
    for link in facts.links:
        if link["role"] in ("opened", "appended"):
            joined[link["mail_id"]].add(link["case_id"])
    acknowledged = {one.letter.message_id: one.letter.mail_id for one in facts.world.relay.delivered}
    for new in cases:
        writer = opener[new["id"]]
        answered = joined[acknowledged.get(writer.answers, "")]
        for old in cases:
            if old is new or old["kind"] != new["kind"] or opener[old["id"]].customer != writer.customer:
                continue
            if not _is_open(old, closed[old["id"]], new["opened_at"]):
                continue
            if old["matter"] in ("", new["matter"]) or not new["matter"] or old["id"] in answered:
                yield f"MATTER: {writer.name} opened {new['reference']} beside {old['reference']} ({new['kind']})"
    yield from _joined_by_the_right_writers(facts, opener)


def _joined_by_the_right_writers(facts: Any, opener: Any) -> Iterator[str]:
    for link in facts.links:
        letter, first = facts.letter_of.get(link["mail_id"]), opener.get(link["case_id"])
        if link["role"] == "appended" and letter and first and letter.customer != first.customer:
            yield f"MATTER: {letter.name} of {letter.customer} joined a case of {first.customer}"


def _closings(facts: Any) -> Any:
    """Return for each case the moments at which it was closed."""
    closed = defaultdict(list)
    for event in facts.rows("SELECT case_id, at FROM case_events WHERE kind = 'closed'"):
        closed[event["case_id"]].append(event["at"])
    return closed


def _is_open(case: Any, closings: Any, at: int) -> bool:
    """Say whether the case was there and open for certain; one that was ever closed near or before is in doubt."""
    before = case["opened_at"] <= at
    return before and not any(closing <= at + MARGIN for closing in closings)
