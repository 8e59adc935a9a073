"""What every database must do for the standing audit: draw as it routes, take one answer, lose no complaint."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from itaca.cases.elusion import Elusion
from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseReference, MailId
from itaca.contracts.intents import CaseKind, Intent
from itaca.errors import PermanentError
from itaca.mail.model import AutomaticKind, MailText
from itaca.storage import tables as t
from itaca.storage.audit_answers import answer_sample
from itaca.storage.audit_samples import Sample, elusion, next_sample
from itaca.storage.labels import set_label
from itaca.storage.routing import Waiting
from tests.support.case_facts import mail_text
from tests.support.routed import COMPLAINT, NOTHING, ORDER, POLICY, UNSURE, Desk, reference

AGENT = "agent@shop.example"


async def settle(desk: Desk, judged: Judgement, text: MailText | None = None, per_month: float = 300.0) -> MailId:
    """Accept, read and decide about one mail, drawing for the audit."""
    await desk.pass_time(seconds=1)
    mail_id = await desk.take(text or mail_text())
    await desk.route(Waiting(mail_id, judged), audit_per_month=per_month)
    return mail_id


async def answer(desk: Desk, mail_id: MailId, *intents: Intent, by: str = AGENT) -> CaseReference | None:
    now, rng = desk.now, desk.ledger.rng
    return await desk.ledger.database.write(lambda c: answer_sample(c, mail_id, intents, by, now, POLICY, rng))


async def waiting(desk: Desk, by: str = "") -> Sample | None:
    return await desk.ledger.database.read(lambda c: next_sample(c, by))


async def figures(desk: Desk, model: str = "") -> list[Elusion]:
    now = desk.now
    return await desk.ledger.database.read(lambda c: elusion(c, now, model))


class AuditDrawContract:
    """Which mail is drawn, and how much of it."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        await desk.staff("agent", "lead")

    async def test_only_what_nobody_sees_is_drawn(self, desk: Desk) -> None:
        """The sample names language and model, and the share at which the mail was drawn."""
        for judged in (COMPLAINT, UNSURE):
            await settle(desk, judged)
        await settle(desk, NOTHING, mail_text(sender="b@posta.example", automatic=AutomaticKind.BOUNCE))
        noted = await settle(desk, NOTHING, mail_text(sender="n@posta.example"))
        ordered = await settle(desk, ORDER, mail_text(sender="o@posta.example", language="de"))
        rows = await desk.rows(t.audit_samples)
        assert [(r.mail_id, r.language, r.model, r.share) for r in rows] == [
            (noted, "it", "model-1", 1.0),
            (ordered, "de", "model-1", 1.0),
        ]
        assert {r.checked_at for r in rows} == {None}

    async def test_nothing_is_drawn_when_none_are_wanted(self, desk: Desk) -> None:
        """Zero a month turns the audit off."""
        await settle(desk, NOTHING, per_month=0)
        assert await desk.rows(t.audit_samples) == []

    async def test_routing_twice_draws_once(self, desk: Desk) -> None:
        """A mail that is settled already has had its draw."""
        mail_id = await settle(desk, NOTHING)
        await desk.route(Waiting(mail_id, NOTHING), audit_per_month=300)
        assert len(await desk.rows(t.audit_samples)) == 1

    async def test_the_share_is_learnt_from_the_ledger(self, desk: Desk, other: Desk) -> None:
        """Two routers draw a day's ration between them, not one each, and what was drawn stands for all that came."""
        for number in range(60):
            one = (desk, other)[number % 2]
            await one.ledger.clock.advance(timedelta(seconds=2))
            batch = [await one.take(mail_text(sender=f"c{number}@posta.example")) for _ in range(5)]
            await one.route(*(Waiting(mail_id, NOTHING) for mail_id in batch), audit_per_month=300)
        rows = await desk.rows(t.audit_samples)
        assert 10 <= len(rows) <= 80
        assert 150 <= sum(1 / row.share for row in rows) <= 600
        assert min(row.share for row in rows) < 0.2


class AuditAnswerContract:
    """What a person's answer does."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger an agent and a lead."""
        await desk.staff("agent", "lead")

    async def test_the_oldest_waits_first_and_comes_without_the_machines_answer(self, desk: Desk) -> None:
        """Each is shown until it is answered; then the next."""
        first = await settle(desk, NOTHING, mail_text("Grazie di tutto.", subject="Saluti"))
        second = await settle(desk, NOTHING)
        shown = await waiting(desk)
        assert shown is not None
        assert (shown.mail_id, shown.text.subject, shown.text.new_text) == (first, "Saluti", "Grazie di tutto.")
        assert await answer(desk, first) is None
        shown = await waiting(desk)
        assert shown is not None
        assert shown.mail_id == second
        await answer(desk, second)
        assert await waiting(desk) is None

    async def test_who_knows_a_mail_is_not_asked_about_it(self, desk: Desk) -> None:
        """A check is blind or it is none; somebody else is asked."""
        mail_id = await settle(desk, NOTHING)
        now, rng = desk.now, desk.ledger.rng
        await desk.ledger.database.write(lambda c: set_label(c, mail_id, (), AGENT, False, now, rng))
        assert await waiting(desk, AGENT.upper()) is None
        assert await waiting(desk, "lead@shop.example") is not None

    async def test_a_no_is_a_blind_label_and_opens_nothing(self, desk: Desk) -> None:
        """The label says what else the mail is, so that training may learn from it."""
        mail_id = await settle(desk, ORDER)
        assert await answer(desk, mail_id, Intent.ORDER) is None
        (label,) = await desk.rows(t.labels)
        (sample,) = await desk.rows(t.audit_samples)
        assert (label.mail_id, label.intents, label.is_blind) == (mail_id, ["order"], True)
        assert (sample.label_id, sample.is_complaint, sample.checked_by) == (label.id, False, label.person_id)
        assert await desk.cases(CaseKind.COMPLAINT) == []

    async def test_a_missed_complaint_has_its_case_at_once(self, desk: Desk) -> None:
        """Owned, promised from today on, the owner told, the history says how it was found; the books balance."""
        mail_id = await settle(desk, NOTHING, mail_text("Aspetto il rimborso da un mese."))
        await desk.pass_time(days=20)
        found = await answer(desk, mail_id, Intent.COMPLAINT)
        (case,) = await desk.cases()
        assert (case.reference, case.kind, case.status, case.opened_by) == (found, "complaint", "open", mail_id)
        assert await desk.history(case.id) == ["opened", "found_by_audit"]
        opened, event = await desk.rows(t.case_events)
        assert opened.detail["reasons"][0] == event.detail["says"] == "found by the standing audit"
        (promise,) = await desk.rows(t.promises)
        assert promise.due_at > (await desk.rows(t.audit_samples))[0].checked_at
        assert await desk.told(case.id, "opened") == [AGENT]
        assert [m.outcome for m in await desk.rows(t.mails)] == ["noted"]
        assert await desk.problems() == []

    async def test_a_missed_complaint_joins_the_open_case_of_its_customer(self, desk: Desk) -> None:
        """The customer has complained again meanwhile: one case, one more contact."""
        mail_id = await settle(desk, NOTHING)
        await settle(desk, COMPLAINT)
        found = await answer(desk, mail_id, Intent.COMPLAINT)
        (case,) = await desk.cases()
        assert (case.reference, case.contacts) == (found, 2)
        assert await desk.problems() == []

    async def test_a_complaint_beside_an_order_opens_beside_it(self, desk: Desk) -> None:
        """The order stays with the order system; the complaint has an owner."""
        mail_id = await settle(desk, ORDER)
        await answer(desk, mail_id, Intent.COMPLAINT, Intent.ORDER)
        assert sorted((c.kind, c.owner_id is None) for c in await desk.cases()) == [
            ("complaint", False),
            ("order", True),
        ]
        assert await desk.problems() == []

    async def test_a_mail_that_stood_beside_a_case_joins_it(self, desk: Desk) -> None:
        """Filed as automatic, yet a person wrote it: the loose link becomes a contact."""
        await settle(desk, COMPLAINT)
        (case,) = await desk.cases()
        text = mail_text("Ancora niente", reference(case), automatic=AutomaticKind.AUTO_REPLY)
        mail_id = await settle(desk, NOTHING, text)
        assert [r.role for r in await desk.rows(t.case_mails, mail_id=mail_id)] == ["report"]
        assert await answer(desk, mail_id, Intent.COMPLAINT) == case.reference
        assert [r.role for r in await desk.rows(t.case_mails, mail_id=mail_id)] == ["appended"]
        assert await desk.problems() == []

    async def test_filed_mail_of_an_unknown_writer_finds_a_customer(self, desk: Desk) -> None:
        """Filing made none; a case needs one."""
        text = mail_text(automatic=AutomaticKind.AUTO_REPLY)
        mail_id = await settle(desk, NOTHING, text)
        assert await desk.rows(t.customers) == []
        assert await answer(desk, mail_id, Intent.COMPLAINT) is not None
        assert len(await desk.rows(t.customers)) == 1

    async def test_a_second_answer_is_refused(self, desk: Desk, other: Desk) -> None:
        """Of two people at the same moment one is heard; a complaint has one case, one label, one contact."""
        mail_id = await settle(desk, NOTHING)
        said = await asyncio.gather(
            answer(desk, mail_id, Intent.COMPLAINT),
            answer(other, mail_id, Intent.COMPLAINT, by="lead@shop.example"),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in said) == ["PermanentError", "str"]
        assert [c.contacts for c in await desk.cases()] == [1]
        assert len(await desk.rows(t.labels)) == 1

    @pytest.mark.parametrize("case", ["nobody", "not_drawn"])
    async def test_what_cannot_be_recorded_changes_nothing(self, desk: Desk, case: str) -> None:
        """An unknown address, a mail that was not drawn: refused in words."""
        drawn = await settle(desk, NOTHING)
        passed = await settle(desk, COMPLAINT, mail_text(sender="c@posta.example"))
        mail_id, by = (drawn, "x@shop.example") if case == "nobody" else (passed, AGENT)
        with pytest.raises(PermanentError, match=by if case == "nobody" else mail_id):
            await answer(desk, mail_id, Intent.COMPLAINT, by=by)
        assert await desk.rows(t.labels) == []
        assert (await figures(desk))[-1].checked == 0

    async def test_who_left_is_not_heard(self, desk: Desk) -> None:
        """A label names somebody who answers for it."""
        mail_id = await settle(desk, NOTHING)
        gone = update(t.people).where(t.people.c.email == AGENT).values(is_active=False)
        await desk.ledger.database.write(lambda c: c.execute(gone))
        with pytest.raises(PermanentError, match="nobody has the address"):
            await answer(desk, mail_id, Intent.COMPLAINT)
        assert await desk.rows(t.labels) == []
        assert await answer(desk, mail_id, Intent.COMPLAINT, by="lead@shop.example") is not None

    async def test_the_figures_are_by_language_and_in_all(self, desk: Desk) -> None:
        """Waiting, checked, misses and the bound; a year later they no longer count, but what waits still waits."""
        mails = [
            await settle(desk, NOTHING, mail_text(sender=f"c{n}@posta.example", language=language))
            for n, language in enumerate(("it", "it", "it", "de", ""))
        ]
        await answer(desk, mails[0])
        await answer(desk, mails[1], Intent.COMPLAINT)
        await answer(desk, mails[3])
        assert await figures(desk) == [
            Elusion("de", 0, 1, 0),
            Elusion("it", 1, 2, 1),
            Elusion("unknown", 1, 0, 0),
            Elusion("all", 2, 3, 1),
        ]
        assert await figures(desk, "another-model") == [Elusion("all", 0, 0, 0)]
        await desk.pass_time(days=366)
        assert await figures(desk) == [Elusion("it", 1, 0, 0), Elusion("unknown", 1, 0, 0), Elusion("all", 2, 0, 0)]
