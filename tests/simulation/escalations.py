"""How loud each case must be, computed anew from its history: every date, every level, and who had to be told."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.simulation.calendar import days_after, moment, working_days_after

SLACK = 3_000_000
"""Clocks of processes differ by up to two seconds."""


class Company:
    """Who stands above whom, and who is at work when."""

    def __init__(self, facts: Any) -> None:
        self.lead = {row["id"]: row["lead_id"] for row in facts.rows("SELECT * FROM people")}
        self._absences = facts.rows("SELECT * FROM absences")

    def chain(self, person: str) -> list[str]:
        found = [person]
        while self.lead[found[-1]] is not None:
            found.append(self.lead[found[-1]])
        return found

    def is_away(self, person: str, at: int) -> bool:
        day = str(moment(at).date())
        return any(a["person_id"] == person and a["first_day"] <= day <= a["last_day"] for a in self._absences)


def levels(facts: Any) -> Iterator[str]:
    """Every case stands where the calendar and its customer have brought it, and everybody concerned was told."""
    company = Company(facts)
    events = defaultdict(list)
    # In the order of the commits: the clocks of two processes differ a little.
    for row in facts.rows("SELECT * FROM case_events ORDER BY rowid"):
        events[row["case_id"]].append(row)
    told = defaultdict(set)
    for row in facts.rows("SELECT * FROM outbox WHERE kind = 'notice'"):
        told[(row["case_id"], row["created_at"])].add(json.loads(row["payload"])["person_id"])
    promised = {row["case_id"]: row["due_at"] for row in facts.rows("SELECT * FROM promises WHERE state = 'open'")}
    for case in facts.cases:
        ladder = Ladder(facts, company, case, told)
        ladder.begin(events[case["id"]])
        for event in events[case["id"]]:
            ladder.step(event)
        ladder.end(promised.get(case["id"]))
        yield from (f"{problem}: {case['kind']} {case['reference']}" for problem in ladder.problems)


def looked_after(facts: Any) -> Iterator[str]:
    """No open case is with somebody who is away, unless somebody at work was told of it, or nobody is there."""
    company, now = Company(facts), facts.now
    if all(company.is_away(person, now) for person in company.lead):
        return
    told = defaultdict(set)
    for row in facts.rows("SELECT case_id, payload FROM outbox WHERE kind = 'notice'"):
        told[row["case_id"]].add(json.loads(row["payload"])["person_id"])
    for case in facts.cases:
        if case["status"] == "closed" or case["owner_id"] is None or not company.is_away(case["owner_id"], now):
            continue
        if all(company.is_away(person, now) for person in told[case["id"]]):
            yield f"AWAY: the owner of {case['kind']} {case['reference']} is, and nobody at work knows of it"


class Ladder:
    """One case on its way up."""

    def __init__(self, facts: Any, company: Company, case: Any, told: Any) -> None:
        self._facts, self._company, self._case, self._told = facts, company, case, told
        self._received = {mail["id"]: mail["received_at"] for mail in facts.mails}
        self._owner: str | None = None if case["kind"] == "order" else case["owner_id"]
        self.level, self.contacts = 0, 1
        self.due: int | None = None
        self.problems: list[str] = []

    @property
    def _chain(self) -> list[str]:
        return self._company.chain(self._owner) if self._owner else [""]

    @property
    def _top(self) -> int:
        return len(self._chain) - 1

    def begin(self, events: list[Any]) -> None:
        """Find the first owner: whoever lost the case first, or has it still."""
        passed = [json.loads(event["detail"])["from"] for event in events if event["kind"] == "passed_on"]
        if passed and self._case["kind"] != "order":
            self._owner = passed[0]

    def step(self, event: Any) -> None:
        """Follow one line of the history."""
        kind = event["kind"]
        if kind == "opened":
            self._open(event)
        elif kind in ("appended", "violated", "reopened"):
            self._contact(event, is_violation=kind == "violated")
        elif kind == "owner_given":
            self._owner = json.loads(event["detail"])["person_id"]
        elif kind == "passed_on":
            self._owner = json.loads(event["detail"])["to"]
            self.level = min(self.level, self._top)
        elif kind == "promise_broken":
            self._break(event)
        elif kind == "closed":
            self.due = None

    def _open(self, event: Any) -> None:
        received, kind = self._received[event["mail_id"]], self._case["kind"]
        days = {"complaint": 3, "review": 1, "order": 1}.get(kind)
        self.due = days_after(received, 30) if days is None else working_days_after(received, days)
        if kind in ("complaint", "cancellation") and self._names_a_lawyer(event):
            self.level = self._top
        if self._owner is None:
            return
        if self._owner not in self._told[(self._case["id"], event["at"])]:
            self.problems.append("OWNER: never heard of the new case")
        away, at = self._company.is_away, event["at"]
        if away(self._owner, at) and not all(away(person, at) for person in self._company.lead):
            self.problems.append("OWNER: on leave when the case was given to them")

    def _contact(self, event: Any, *, is_violation: bool) -> None:
        is_closed, letter = self.due is None, self._facts.letter_of.get(event["mail_id"])
        if is_closed:
            self.due = working_days_after(self._received[event["mail_id"]], 3)
            if letter is not None and letter.is_automatic:
                self.problems.append("REOPENED: by a machine")
        if "a reply on this case" in json.loads(event["detail"])["reasons"]:
            return
        self.contacts += 1
        self.level = min(max(self.level + is_violation, self.contacts - 1), self._top)
        if self._names_a_lawyer(event):
            self.level = self._top

    def _break(self, event: Any) -> None:
        if self.due is None or self.due > event["at"]:
            self.problems.append(f"LEVEL: broken at {moment(event['at'])} before its time")
            return
        self.level = min(self.level + 1, self._top)
        self.due = working_days_after(event["at"] if self.level == self._top else self.due, 1)
        if json.loads(event["detail"])["level"] != self.level:
            self.problems.append(f"LEVEL: {event['detail']} is not {self.level}")
        chain, told = self._chain, self._told[(self._case["id"], event["at"])]
        if not {chain[0], chain[self.level]} <= told:
            self.problems.append(f"TOLD: nobody told the owner or level {self.level}")
        away, at, above = self._company.is_away, event["at"], chain[self.level :]
        if not all(away(one, at) for one in above) and not any(one in told and not away(one, at) for one in above):
            self.problems.append("TOLD: only people who are away")

    def end(self, promised: int | None) -> None:
        """Compare with what the ledger says at the end."""
        if self._case["level"] != self.level or self._case["contacts"] != self.contacts:
            found = f"{self._case['level']} after {self._case['contacts']} contacts"
            self.problems.append(f"LEVEL: {found}, but {self.level} after {self.contacts} is due")
        if promised != self.due:
            self.problems.append(f"DATE: {promised and moment(promised)}, but {self.due and moment(self.due)} is due")
        if self.due is not None and self.due < self._facts.now - SLACK:
            self.problems.append(f"LEVEL: the promise of {moment(self.due)} is over and was not broken")

    def _names_a_lawyer(self, event: Any) -> bool:
        letter = self._facts.letter_of.get(event["mail_id"])
        return letter is not None and b"avvocato" in letter.raw and letter.temper != "deadly_to_reader"
