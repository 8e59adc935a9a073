"""Every line of a case's history has its cause in the ledger, and every cause its line."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

_JOINING = {"opened": "opened", "appended": "appended", "reopened": "appended", "violated": "appended"}
_BESIDE = {"related": "related", "report": "report"}
_ENDS = ("sent", "failed", "unknown")


def causes(facts: Any) -> Iterator[str]:
    """Compare the history with the rows it speaks of, both ways."""
    events = facts.rows("SELECT * FROM case_events")
    reference = {case["id"]: f"{case['kind']} {case['reference']}" for case in facts.cases}
    expected = _expected(facts)
    found = Counter((event["case_id"], event["kind"], event["mail_id"] or "", event["at"]) for event in events)
    for (case_id, kind, mail_id, at), count in (found - expected).items():
        yield f"HISTORY: {reference[case_id]} says {count} times {kind} {mail_id} at {at} without a cause"
    for case_id, kind, mail_id, at in expected - found:
        yield f"HISTORY: {reference[case_id]} does not say {kind} {mail_id} at {at}"


def _expected(facts: Any) -> Counter[tuple[str, str, str, int]]:
    """Return every line that must be there, by the other tables."""
    expected: Counter[tuple[str, str, str, int]] = Counter()
    settled = {mail["id"]: mail["settled_at"] for mail in facts.mails}
    said = {(event["case_id"], event["mail_id"]): event["kind"] for event in facts.rows(_JOINED)}
    for link in facts.links:
        case_id, mail_id = link["case_id"], link["mail_id"]
        kind = said.get((case_id, mail_id), "") if link["role"] == "appended" else link["role"]
        if kind not in _JOINING and kind not in _BESIDE:
            kind = "appended"
        expected[(case_id, kind, mail_id, settled[mail_id] or 0)] += 1
    for row in facts.rows("SELECT case_id, state, ended_at FROM promises WHERE state <> 'open'"):
        expected[(row["case_id"], f"promise_{row['state']}", "", row["ended_at"])] += 1
    for kind, query in _ACTS.items():
        expected.update((row["case_id"], kind, "", row["at"]) for row in facts.rows(query))
    for row in facts.rows("SELECT case_id, at FROM case_events WHERE kind = 'closed'"):
        # Closing writes its line and the outcome together; a later contact may open the case again.
        expected[(row["case_id"], "closed", "", row["at"])] += 1
    for case in facts.cases:
        if case["status"] == "closed" and (case["id"], "closed", "", case["closed_at"]) not in expected:
            expected[(case["id"], "closed", "", case["closed_at"])] += 1
    expected.update(_departures(facts))
    return expected


_JOINED = (
    "SELECT case_id, mail_id, kind FROM case_events WHERE mail_id IS NOT NULL "
    "AND kind IN ('appended', 'reopened', 'violated')"
)
_ACTS = {
    "owner_given": "SELECT case_id, at FROM case_events WHERE rowid IN (SELECT min(e.rowid) FROM case_events e "
    "JOIN cases c ON c.id = e.case_id WHERE c.kind = 'order' AND e.kind = 'promise_broken' GROUP BY e.case_id)",
    "passed_on": "SELECT DISTINCT case_id, created_at AS at FROM outbox WHERE payload LIKE '%\"passed_on\"%'",
    "owner_away": "SELECT DISTINCT case_id, created_at AS at FROM outbox WHERE payload LIKE '%\"owner_away\"%'",
    "effected": "SELECT case_id, effected_at AS at FROM cancellations WHERE effected_at IS NOT NULL",
    "asks_ticked": "SELECT DISTINCT case_id, ended_at AS at FROM asks WHERE state = 'ticked'",
}


def _departures(facts: Any) -> Counter[tuple[str, str, str, int]]:
    """Return the lines about what left, or did not."""
    expected: Counter[tuple[str, str, str, int]] = Counter()
    named = {"acknowledgement": "acknowledged", "cancellation_handoff": "handed"}
    query = "SELECT o.*, j.value AS about FROM outbox o LEFT JOIN json_each(o.payload, '$.case_ids') j"
    for row in facts.rows(query):
        if row["state"] == "sent" and row["kind"] in named:
            expected[(row["about"] or row["case_id"], named[row["kind"]], row["mail_id"], row["ended_at"])] += 1
    return expected + _failures(facts)


def _failures(facts: Any) -> Counter[tuple[str, str, str, int]]:
    expected: Counter[tuple[str, str, str, int]] = Counter()
    endings = " OR ".join(f"kind LIKE '%{state}'" for state in ("failed", "unknown"))
    for row in facts.rows(f"SELECT * FROM case_events WHERE {endings}"):
        # A guess may be corrected later by the answer itself, so the entry may have ended otherwise by now.
        known = facts.count(f"SELECT count(*) FROM outbox WHERE case_id = '{row['case_id']}' AND state IN {_ENDS}")
        expected[(row["case_id"], row["kind"], row["mail_id"] or "", row["at"])] += bool(known)
    return expected
