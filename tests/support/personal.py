"""A customer whose every word is planted, so that a test can look for each of them after an erasure."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select

from itaca.cases.activities import Activity
from itaca.cases.interactions import Channel, Interaction, RecordedFile
from itaca.cases.receipts import Signer
from itaca.contracts.ids import CaseId, CustomerId, MailId, OutboxId
from itaca.contracts.intents import ActivityKind, CaseKind, CaseOutcome, Intent, OutboxKind
from itaca.mail.model import Attachment, Entity, EntityKind, Envelope
from itaca.storage import tables as t
from itaca.storage.activities import Reported, report_activity
from itaca.storage.asks import add_ask, tick_all
from itaca.storage.cases import close_case
from itaca.storage.codec import CODEC, compress
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.interactions import record_interaction
from itaca.storage.labels import set_label
from itaca.storage.mails import save_texts
from itaca.storage.outbox import NewEntry, enqueue
from itaca.storage.parkings import park
from itaca.storage.receipts import issue_receipt
from itaca.storage.routing import Waiting
from tests.support.case_facts import judgement, mail_text
from tests.support.routed import POLICY, Desk, customer_code

WORD = "Zeppelin"
ADDRESS = "zeppelin@posta.example"
CODE = customer_code("ZEPPELIN77")
CONTRACT = Entity(kind=EntityKind.CONTRACT_NUMBER, value="ZEPPELIN-CONTRACT")
RAW = f"From: {ADDRESS}\r\nSubject: {WORD}\r\n\r\n{WORD}?\r\n".encode()
ENVELOPE = Envelope(sender=ADDRESS, recipients=("zeppelin-fan@shop.example",))
SIGNER = Signer.of(bytes(range(32)))


async def live(desk: Desk) -> CustomerId:
    """Let a customer complain, call, cancel, be answered and be charged; everything has ended afterwards."""
    first = await write_mail(desk, RAW, judgement("N", "Y"), f"Dove sono i miei {WORD}?", CODE)
    await write_mail(desk, RAW + b"2", judgement("N", "N", "Y"), f"Disdico {WORD}", CONTRACT)
    await write_mail(desk, RAW + b"3", judgement(), f"Grazie, {WORD}")
    await _call(desk)
    complaint, cancelled = [
        CaseId((await desk.cases(kind))[-1].id) for kind in (CaseKind.COMPLAINT, CaseKind.CANCELLATION)
    ]
    await _work_on(desk, complaint, first)
    await charge(desk)
    await desk.pass_time(days=1)
    await settle_everything(desk, cancelled)
    return CustomerId(next(row.customer_id for row in await desk.cases() if row.id == complaint))


async def write_mail(desk: Desk, raw: bytes, judged: Any, new_text: str, *codes: Entity) -> MailId:
    """Accept, read and route one mail of this customer's."""
    await desk.pass_time(seconds=1)
    accepted = await desk.ledger.intake.accept(ENVELOPE, raw, f"{WORD}.example")
    known = {"sender": ADDRESS, "reply_to_address": ADDRESS, "sender_name": WORD, "subject": WORD}
    files = (Attachment(name=f"{WORD}.jpg", content_type="image/jpeg", size_bytes=3, sha256="a" * 64),)
    text = mail_text(new_text, *codes, attachments=files, message_id=f"<{accepted.mail_id}.{WORD}@posta>", **known)
    await desk.ledger.database.write(lambda c: save_texts(c, [(accepted.mail_id, text)]))
    await desk.route(Waiting(accepted.mail_id, judged), audit_per_month=10_000)
    return accepted.mail_id


async def settle_everything(desk: Desk, cancelled: CaseId | None = None) -> None:
    """Close every open case, a cancellation by its effect, and let everything leave."""
    now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
    await desk.let_everything_leave()
    for case in [row for row in await desk.cases() if row.status == "open"]:
        await write(partial(tick_all, case_id=CaseId(case.id), how=f"told {WORD}", now=now, rng=rng, actor="agent"))
        if case.id == cancelled:
            effect = Effect(now, f"order of {WORD}", "billing")
            await write(lambda c, r=case.reference, e=effect: confirm_effect(c, r, e, now, POLICY, rng, "api"))
            await write(lambda c: issue_receipt(c, cancelled, WORD, SIGNER, now))
        how = partial(close_case, outcome=CaseOutcome.ANSWERED, evidence=f"letter to {WORD}", now=now, rng=rng)
        await write(partial(how, case_id=CaseId(case.id), actor="agent"))
    await desk.pass_time(seconds=5)
    await desk.let_everything_leave()
    await desk.pass_time(seconds=5)


async def charge(desk: Desk, number: str = "1", **more: Any) -> Reported:
    """Report a charge to this customer, by address and contract unless told otherwise."""
    named = {"email": ADDRESS, "contract": CONTRACT.value, "description": f"{WORD} monthly", **more}
    activity = Activity("billing", number, ActivityKind.CHARGE, desk.now, **named)
    now, rng = desk.now, desk.ledger.rng
    return await desk.ledger.database.write(lambda c: report_activity(c, activity, now, POLICY, rng, "api:billing"))


async def planted(desk: Desk) -> dict[str, list[str]]:
    """Return, by table, the rows that hold a planted word."""
    rows = await everything(desk)
    found = {table: [row for row in lines if WORD.lower() in row.lower()] for table, lines in rows.items()}
    return {table: lines for table, lines in found.items() if lines}


async def everything(desk: Desk) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    return await desk.ledger.database.read(
        lambda c: {table.name: _lines(c, table) for table in t.metadata.sorted_tables}
    )


def _lines(conn: Connection, table: Any) -> list[str]:
    return [_line(row._mapping) for row in conn.execute(select(table).order_by(*table.primary_key.columns))]


def _line(row: Mapping[str, Any]) -> str:
    plain = {name: value.decode("latin-1") if isinstance(value, bytes) else value for name, value in row.items()}
    return json.dumps(plain, default=str, ensure_ascii=False)


async def _call(desk: Desk) -> None:
    await desk.pass_time(seconds=1)
    now, rng = desk.now, desk.ledger.rng
    photo = RecordedFile(f"{WORD}.png", "image/png", WORD.encode())
    call = Interaction(
        Channel.CALL, now, f"{WORD} chiama", frozenset({Intent.COMPLAINT}), email=ADDRESS, name=WORD, files=(photo,)
    )
    await desk.ledger.database.write(lambda c: record_interaction(c, call, now, POLICY, rng, "agent"))


async def _work_on(desk: Desk, case_id: CaseId, mail_id: MailId) -> None:
    """Ask, park, label and answer, all of it in words."""
    now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
    await write(lambda c: add_ask(c, case_id, f"Where is {WORD}?", now, rng, "agent"))
    until = POLICY.calendar.after_calendar_days(now, 9)
    await write(lambda c: park(c, case_id, until, f"{WORD} sends a photo", POLICY, now, rng, "agent"))
    await write(lambda c: set_label(c, mail_id, [Intent.COMPLAINT], "agent@shop.example", False, now, rng))
    letter = {"subject": WORD, "text": f"Dear {WORD}", "person": "agent", "template": "sorry"}
    entry = NewEntry(
        OutboxId(desk.ledger.new_id()), OutboxKind.REPLY, f"reply:{case_id}:1", letter, now, ADDRESS, case_id, mail_id
    )
    await write(lambda c: enqueue(c, [entry]))
    await write(lambda c: _attach(c, entry.id))


def _attach(conn: Connection, outbox_id: OutboxId) -> None:
    kept = {"sha256": "b" * 64, "size_bytes": 8, "codec": CODEC, "content": compress(WORD.encode())}
    conn.execute(insert(t.kept_files).values(kept))
    file = {"position": 0, "name": f"{WORD}.pdf", "content_type": "application/pdf", "sha256": "b" * 64}
    conn.execute(insert(t.letter_files).values(outbox_id=outbox_id, **file))
