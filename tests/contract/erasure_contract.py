"""What every database must do when a customer is erased: no word is left, and the books balance as before."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, update

from itaca.contracts.ids import CaseId, CustomerId, MailId
from itaca.contracts.intents import CaseKind, MailOutcome
from itaca.errors import PermanentError
from itaca.mail.model import Envelope, MailText
from itaca.storage import tables as t
from itaca.storage.case_merging import Merger, merge
from itaca.storage.customer_export import export_files, export_index, export_mails
from itaca.storage.entries import Entries
from itaca.storage.erasure import Order, Tombstone, UnderWayError, erase_customer, tombstones
from itaca.storage.erasure_scope import find_customer, load_scope, under_way
from itaca.storage.letters import load_context
from itaca.storage.mails import load_mails
from itaca.storage.owner_timers import check_owners
from itaca.storage.suppressions import SuppressionKey
from itaca.storage.trace import life_of
from tests.contract.cancellations_contract import suppressed
from tests.support import personal
from tests.support.desk_acts import case_of, complain, do, look
from tests.support.personal import ADDRESS, CODE, CONTRACT, ENVELOPE, RAW, WORD
from tests.support.routed import CANCELLATION, COMPLAINT, NOTHING, POLICY, Desk

KEPT = {"mails", "cases", "case_mails", "promises", "case_events", "interactions", "outbox", "labels", "activities"}
"""Tables that lose words and no row."""


async def erase(desk: Desk, customer_id: CustomerId) -> Tombstone:
    order = Order(desk.ledger.new_id(), desk.now, "agent", "letter of 9 March", b"s" * 32)
    return await desk.ledger.database.write(lambda c: erase_customer(c, customer_id, order))


async def customer(desk: Desk, key: str) -> CustomerId:
    return await desk.ledger.database.read(lambda c: find_customer(c, key))


class ErasureContract:
    """One customer among others is forgotten."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of two."""
        self.agent, self.lead = await desk.staff("agent", "lead")

    async def test_no_word_is_left_in_any_table(self, desk: Desk) -> None:
        """Whatever was said, by whatever way, is gone; every row that the books rest on is there."""
        customer_id = await personal.live(desk)
        before, words = await personal.everything(desk), await personal.planted(desk)
        assert {
            "mail_texts",
            "evidence",
            "asks",
            "parkings",
            "receipts",
            "activities",
            "letter_files",
        } <= words.keys()
        stone = await erase(desk, customer_id)
        assert await personal.planted(desk) == {}
        after = await personal.everything(desk)
        assert {name: len(after[name]) for name in KEPT} == {name: len(before[name]) for name in KEPT}
        assert after["raw_mails"] == after["mail_texts"] == after["customer_addresses"] == after["kept_files"] == []
        assert (stone.mails, stone.cases, len(stone.hashes)) == (4, len(before["cases"]), 3)
        assert await desk.problems() == []

    async def test_the_books_and_the_trace_know_it_as_before(self, desk: Desk) -> None:
        """Id, moment, size and outcome stay; a trace says who erased it and why; a redelivery adds nothing."""
        customer_id = await personal.live(desk)
        ids = [MailId(row.id) for row in await desk.rows(t.mails)]
        read = desk.ledger.database.read
        before = await read(lambda c: load_mails(c, ids))
        await erase(desk, customer_id)
        after = await read(lambda c: load_mails(c, ids))
        for mail_id in ids:
            one, other = before[mail_id], after[mail_id]
            assert (one.received_at, one.size_bytes, one.outcome) == (
                other.received_at,
                other.size_bytes,
                other.outcome,
            )
        again = await desk.ledger.intake.accept(ENVELOPE, RAW, "again")
        assert (again.mail_id, again.is_duplicate) == (ids[0], True)
        facts = await read(lambda c: life_of(c, ids[0]))
        (erased,) = [fact for fact in facts if fact.what == "erased" and fact.subject == ids[0]]
        assert erased.detail == {"by": "agent", "reason": "letter of 9 March"}
        (case,) = [row for row in await desk.cases() if row.kind == "complaint"]
        assert any(fact.what == "erased" for fact in await read(lambda c: life_of(c, case.reference)))

    async def test_lm32_what_is_under_way_is_not_erased(self, desk: Desk) -> None:
        """LM32: an open case, a mail without outcome, a letter not sent refuse it by name; nothing changes."""
        await desk.settle(COMPLAINT, f"Dove sono i {WORD}?", CODE, sender=ADDRESS)
        customer_id = await customer(desk, ADDRESS)
        await desk.settle(CANCELLATION, "Disdico", sender=ADDRESS)
        unread = await desk.ledger.intake.accept(ENVELOPE, RAW, "client")
        before = await personal.everything(desk)
        with pytest.raises(UnderWayError) as refused:
            await erase(desk, customer_id)
        complaint, cancelled = await desk.cases()
        assert refused.value.what == (
            f"{complaint.reference} (complaint) is open: close it with its outcome",
            f"{cancelled.reference} (cancellation) is open: close it with its outcome",
            "1 mails have no outcome yet: wait until `itaca audit` shows none in progress",
            "5 letters or messages have not left yet: wait until the outbox is empty",
        )
        assert await personal.everything(desk) == before
        await personal.settle_everything(desk)
        with pytest.raises(UnderWayError, match=r"^nothing was erased\. 1 mails have no outcome yet"):
            await erase(desk, customer_id)
        await desk.route(personal.Waiting(unread.mail_id, NOTHING))
        await personal.settle_everything(desk)
        assert (await erase(desk, customer_id)).mails == 2
        assert await desk.problems() == []

    async def test_what_goes_on_in_anothers_case_is_not_erased(self, desk: Desk) -> None:
        """Two customers turned out to be one person: the words of a merged case are those of an open one."""
        staying, _ = await complain(desk, "4711")
        ending, _ = await complain(desk, "4712", f"Dove sono i {WORD}?", sender=ADDRESS, reply_to_address=ADDRESS)
        customer_id = await customer(desk, ADDRESS)
        into = (await case_of(desk, staying)).reference
        act = await look(desk, ending, self.agent)
        await do(desk, merge, act, Merger(into, "by telephone", is_same_person=True), POLICY)
        with pytest.raises(UnderWayError, match=f"goes on in {into}, which is open"):
            await erase(desk, customer_id)
        await personal.settle_everything(desk)
        await erase(desk, customer_id)
        left = await personal.planted(desk)
        assert not left.keys() & {"mails", "raw_mails", "mail_texts", "evidence", "outbox"}
        assert await desk.problems() == []

    async def test_the_database_refuses_it_too(self, desk: Desk) -> None:
        """LM32: no tombstone for a mail under way or an open case, and no word out without one."""
        mail_id = await desk.settle(COMPLAINT)
        unsettled = await desk.ledger.accept()
        (case,) = await desk.cases()
        write = desk.ledger.database.write
        stone = {"id": "e", "kind": "noted", "at": 1, "by": "me", "reason": "why", "mails": 1, "cases": 0, "until": 1}
        await write(lambda c: c.execute(insert(t.erasures).values(stone)))
        gone = update(t.case_events).values(detail={})
        for statement in (
            insert(t.erased_mails).values(mail_id=unsettled, erasure_id="e"),
            insert(t.erased_cases).values(case_id=case.id, erasure_id="e"),
            t.raw_mails.delete().where(t.raw_mails.c.mail_id == mail_id),
            gone,
            update(t.erasures).values(reason="another"),
        ):
            with pytest.raises(PermanentError):
                await write(lambda c, s=statement: c.execute(s))
        await write(lambda c: c.execute(insert(t.erased_mails).values(mail_id=mail_id, erasure_id="e")))
        for statement in (
            update(t.case_events).values(detail={"says": "something else"}),
            update(t.case_events).values(kind="something else"),
            update(t.raw_mails).values(raw=b"other"),
            t.raw_mails.delete().where(t.raw_mails.c.mail_id == unsettled),
            t.erased_mails.delete(),
        ):
            with pytest.raises(PermanentError):
                await write(lambda c, s=statement: c.execute(s))
        assert await write(lambda c: c.execute(gone).rowcount) == 1

    async def test_a_cancellation_outlives_the_erasure(self, desk: Desk) -> None:
        """By address, code and contract the answer is still no; a charge still reopens the case."""
        customer_id = await personal.live(desk)
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        entries = Entries(desk.now, desk.ledger.rng, "watch")
        entries.event(case.id, "passed_on", None, {"from": self.lead.id, "to": self.agent.id, "reasons": []})
        await desk.ledger.database.write(entries.write)
        await erase(desk, customer_id)
        for key, value in (
            (SuppressionKey.EMAIL, " Zeppelin@Posta.example"),
            (SuppressionKey.CUSTOMER, "zeppelin77"),
            (SuppressionKey.CONTRACT, "zeppelin - contract"),
        ):
            assert await suppressed(desk, key, value) == [case.reference]
        assert await suppressed(desk, SuppressionKey.CONTRACT, "another") == []
        await desk.pass_time(days=200)
        clear = await personal.charge(desk, "2", email="", contract="another", description="")
        wrong = await personal.charge(desk, "3", email="")
        assert (clear.verdict, wrong.verdict, wrong.reference) == ("unknown", "violation", case.reference)
        assert (await personal.charge(desk, "1")).verdict == "clear"
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        assert (case.status, case.level) == ("open", 1)
        rng = desk.ledger.rng
        assert await desk.ledger.database.write(lambda c: check_owners(c, desk.now, POLICY, rng, "watch")) == 1
        with pytest.raises(UnderWayError):
            await erase(desk, customer_id)
        await personal.settle_everything(desk)
        again = await erase(desk, customer_id)
        assert (again.mails, again.cases) == (0, 1)
        assert await personal.planted(desk) == {}
        assert (await erase(desk, customer_id)).id == again.id

    async def test_a_letter_about_an_erased_mail_still_has_a_sender(self, desk: Desk) -> None:
        """A notice of a later violation leaves from where customers write to; of the customer it says nothing."""
        customer_id = await personal.live(desk)
        await desk.settle(NOTHING, sender="bruno@posta.example")
        await erase(desk, customer_id)
        await personal.charge(desk, "2", email="")
        (case,) = await desk.cases(CaseKind.CANCELLATION)
        assert case.status == "open"
        read = desk.ledger.database.read
        context = await read(lambda c: load_context(c, MailId(case.opened_by), [CaseId(case.id)]))
        assert context.mail.envelope == Envelope(sender="", recipients=("reclami@shop.example",))
        assert (context.text, context.matters[0].customer) == (MailText(), "")

    async def test_others_are_untouched(self, desk: Desk) -> None:
        """Of the customer who was not erased every row is as it was."""
        bruno = {"sender": "bruno@posta.example", "reply_to_address": "bruno@posta.example"}
        await desk.settle(COMPLAINT, "Il pacco di Bruno", customer_code_of("B1"), **bruno)
        await desk.settle(CANCELLATION, "Disdico", **bruno)
        before = {name: set(rows) for name, rows in (await personal.everything(desk)).items()}
        customer_id = await personal.live(desk)
        # What Bruno is owed was settled with the rest: his cases changed then, and not by the erasure.
        settled = await personal.everything(desk)
        await erase(desk, customer_id)
        after = await personal.everything(desk)
        for name in ("mails", "raw_mails", "mail_texts", "customer_addresses", "customer_codes", "readings"):
            assert before[name] & set(settled[name]) <= set(after[name]), name
        others = [row for row in settled["case_events"] if WORD not in row and "Bruno" in row]
        assert set(others) <= set(after["case_events"])

    async def test_an_export_holds_everything(self, desk: Desk) -> None:
        """Each planted word that is found in the ledger stands in the export, and each mail as it came."""
        customer_id = await personal.live(desk)
        read = desk.ledger.database.read
        scope = await read(lambda c: load_scope(c, customer_id))
        index = await read(lambda c: export_index(c, scope))
        raw = await read(lambda c: export_mails(c, scope.mails))
        assert RAW in raw.values()
        assert len(raw) == len(index["mails"]) == 4
        missing = [name for name in await personal.planted(desk) if WORD.lower() not in _said(index, name)]
        assert sorted(missing) == ["activity_subjects", "customer_words", "kept_files"]
        ((name, file),) = (await read(lambda c: export_files(c, index["letters"]))).items()
        assert (name, file) == ("b" * 64, WORD.encode())
        assert index["case_events"][0]["at"].endswith("+00:00")
        assert await read(lambda c: under_way(c, scope)) == []

    async def test_two_at_once_leave_one_tombstone(self, desk: Desk, other: Desk) -> None:
        """The second finds nothing more to erase."""
        customer_id = await personal.live(desk)
        await other.pass_time(days=9)
        first, second = await asyncio.gather(erase(desk, customer_id), erase(other, customer_id))
        assert first.id == second.id
        assert len(await desk.ledger.database.read(tombstones)) == 1

    async def test_who_writes_again_is_a_new_customer(self, desk: Desk) -> None:
        """Nothing leads from the new mail to what was erased; the old address finds both."""
        customer_id = await personal.live(desk)
        await erase(desk, customer_id)
        again = await personal.write_mail(desk, RAW + b"new", COMPLAINT, "Sono di nuovo qui", CODE)
        (mail,) = [row for row in await desk.rows(t.mails) if row.id == again]
        assert mail.outcome == MailOutcome.CASE.value
        newest = (await desk.cases(CaseKind.COMPLAINT))[-1]
        assert newest.customer_id != customer_id
        with pytest.raises(PermanentError, match="say which"):
            await customer(desk, ADDRESS)
        assert await customer(desk, CONTRACT.value) == customer_id
        assert await desk.problems() == []


def customer_code_of(value: str) -> Any:
    return CODE.model_copy(update={"value": value})


_ELSEWHERE = {
    "customers": "customer",
    "customer_addresses": "customer",
    "customer_codes": "customer",
    "outbox": "letters",
    "letter_files": "letters",
    "raw_mails": "mails",
}


def _said(index: dict[str, Any], table: str) -> str:
    return str(index.get(_ELSEWHERE.get(table, table), "")).lower()
