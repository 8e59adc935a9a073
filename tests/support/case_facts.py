"""Facts for the rules about cases: people, mails, judgements and cases as a decision sees them."""

from datetime import UTC, datetime, timedelta

from itaca.cases.model import KnownCase, MailFacts, Standing
from itaca.cases.people import Person, Roster, Team
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, CaseReference, CustomerId, MailId, ModelVersion, PersonId
from itaca.contracts.intents import CaseKind, Intent, Verdict
from itaca.mail.model import Entity, EntityKind, MailText

NOW = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
"""A Monday."""
WRITER = "anna@posta.example"
SHOP = "reclami@shop.example"
CUSTOMER = CustomerId("customer-anna")
TEAM = Team("team", "everybody")
_LETTER = {"Y": Verdict.YES, "N": Verdict.NO, "U": Verdict.UNSURE}


def person(name: str, lead: str = "", **more: object) -> Person:
    """Return somebody of the team for everything, whose id is the name."""
    lead_id = PersonId(lead) if lead else None
    return Person(PersonId(name), name, f"{name}@shop.example", **{"team_id": TEAM.id, "lead_id": lead_id, **more})  # type: ignore[arg-type]


def roster(*people: Person, teams: tuple[Team, ...] = (TEAM,)) -> Roster:
    return Roster({p.id: p for p in people}, {t.id: t for t in teams})


CHAIN = roster(person("agent", "lead"), person("lead", "head"), person("head"))
"""Three people, one above the other."""


def judgement(order: str = "N", complaint: str = "N", cancellation: str = "N", *reasons: str) -> Judgement:
    """Return a judgement from letters: Y, N or U for each intent."""
    letters = {Intent.ORDER: order, Intent.COMPLAINT: complaint, Intent.CANCELLATION: cancellation}
    return Judgement(
        model=ModelVersion("model-1"),
        scores={intent: {"Y": 0.9, "N": 0.1, "U": 0.5}[letter] for intent, letter in letters.items()},
        verdicts={intent: _LETTER[letter] for intent, letter in letters.items()},
        needs_review="U" in letters.values() or bool(reasons),
        review_reasons=reasons,
    )


def mail_text(new_text: str = "Dove sono i miei libri?", *codes: Entity, **more: object) -> MailText:
    """Return what was read of a mail that may be acknowledged."""
    known = {
        "subject": "Libri",
        "language": "it",
        "sender": WRITER,
        "reply_to_address": WRITER,
        "recipients": (SHOP,),
    }
    return MailText(**{"new_text": new_text, "entities": codes, **known, **more})


def order_number(value: str) -> Entity:
    return Entity(kind=EntityKind.ORDER_NUMBER, value=value)


def facts(judged: Judgement | None, text: MailText | None = None, **more: object) -> MailFacts:
    known = {"received_at": NOW, "delivered_to": (SHOP,)}
    return MailFacts(
        mail_id=MailId("mail-1"),
        text=text or mail_text(),
        judgement=judged,
        **{**known, **more},  # type: ignore[arg-type]
    )


def known_case(kind: CaseKind = CaseKind.COMPLAINT, name: str = "case", **more: object) -> KnownCase:
    """Return an open case of the agent, with one contact."""
    known: dict[str, object] = {
        "matter": "",
        "customer_id": CUSTOMER,
        "owner_id": None if kind is CaseKind.ORDER else PersonId("agent"),
        "severity": 1,
        "level": 0,
        "contacts": 1,
        "is_open": True,
    }
    return KnownCase(CaseId(name), CaseReference(f"IT-{name}"), kind, **{**known, **more})  # type: ignore[arg-type]


def cancellation(name: str = "cancelled", is_open: bool = False, **more: object) -> KnownCase:
    """Return a cancellation that took effect ten days ago and is watched."""
    watched = {"effective_at": NOW - timedelta(days=10), "watch_until": NOW + timedelta(days=80)}
    return known_case(CaseKind.CANCELLATION, name, is_open=is_open, **{**watched, **more})


def standing(
    *cases: KnownCase, linked: tuple[KnownCase, ...] = (), verified: bool = True, people: Roster = CHAIN
) -> Standing:
    """Return what is known of Anna: her cases, and what this mail refers to."""
    return Standing(
        CUSTOMER,
        people,
        open_cases=[c for c in cases if c.is_open],
        cancellations=[c for c in cases if c.watch_until is not None],
        linked=linked,
        verified=frozenset(c.id for c in linked) if verified else frozenset(),
    )
