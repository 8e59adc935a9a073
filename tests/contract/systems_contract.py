"""What every database must do for other systems: tokens, answers given once, webhooks, receipts, contacts."""

import asyncio
import base64
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from itaca.cases.interactions import Channel, Interaction, RecordedFile
from itaca.cases.receipts import Signer
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import Intent
from itaca.errors import ConfigurationError, PermanentError
from itaca.keys import SECRET_FILE, Keyring, open_keyring
from itaca.settings import SharedSettings, load
from itaca.storage import tables as t
from itaca.storage.case_pages import CasePage, case_page, history_page
from itaca.storage.deliveries import (
    Delivery,
    list_deliveries,
    log_delivery,
    log_page,
    redeliver,
    send_test,
)
from itaca.storage.idempotency import Answer, KeyReusedError, Request, answer_once
from itaca.storage.interactions import record_interaction
from itaca.storage.moments import to_micros
from itaca.storage.paging import Place
from itaca.storage.receipts import Receipt, find_receipt, issue_receipt
from itaca.storage.tokens import Scope, add_token, find_token, list_tokens, revoke_token
from itaca.storage.webhook_secrets import guard_secrets, keyring_here, seal_anew
from itaca.storage.webhooks import (
    WebhookEvent,
    add_webhook,
    end_webhook,
    list_webhooks,
    load_webhook,
    pause_webhook,
    resume_webhook,
    rotate_secret,
)
from tests.support.routed import CANCELLATION, COMPLAINT, POLICY, Desk

KEYRING = Keyring([bytes(range(32))])
SIGNER = Signer.of(bytes(range(32)))


class SystemsContract:
    """Other systems and the ledger."""

    @pytest.fixture(autouse=True)
    async def people(self, desk: Desk) -> None:
        """Give every ledger a chain of two."""
        await desk.staff("agent", "lead")

    async def test_a_token_is_found_until_it_ends(self, desk: Desk) -> None:
        """By its whole text; a name is given once for ever."""
        write, read, now = desk.ledger.database.write, desk.ledger.database.read, desk.now
        until = now + timedelta(days=1)
        text = await write(lambda c: add_token(c, "billing", {Scope.CASES_READ}, now, until))
        found = await read(lambda c: find_token(c, text, now))
        assert found is not None
        assert (found.actor, found.scopes) == ("api:billing", {Scope.CASES_READ})
        assert await read(lambda c: find_token(c, text[:-1] + ("A" if text[-1] != "A" else "B"), now)) is None
        assert await read(lambda c: find_token(c, text, until)) is None
        assert [await write(lambda c: revoke_token(c, "billing", now)) for _ in range(2)] == [True, False]
        assert await read(lambda c: find_token(c, text, now)) is None
        with pytest.raises(PermanentError, match="already"):
            await write(lambda c: add_token(c, "billing", {Scope.CASES_READ}, now))
        assert [one.name for one in await read(list_tokens)] == ["billing"]

    async def test_one_key_is_done_once_however_many_ask(self, desk: Desk, other: Desk) -> None:
        """Ten at once by two connections: one does it, nine are answered alike; another request is refused."""
        now = desk.now
        await desk.ledger.database.write(lambda c: add_token(c, "billing", {Scope.CASES_READ}, now))
        (token,) = await desk.rows(t.api_tokens)
        asked = Request(token.id, "k", "fingerprint")

        def work(conn: Connection) -> Answer:
            add_webhook(conn, "https://a.example", [WebhookEvent.CASE_OPENED], now, desk.ledger.rng, KEYRING)
            return Answer(201, {"done": True})

        def once(conn: Connection) -> Answer:
            return answer_once(conn, asked, now, work)

        given = await asyncio.gather(*(one.ledger.database.write(once) for one in (desk, other) * 5))
        assert sorted(one.is_repeated for one in given) == [False] + [True] * 9
        assert {(one.status, one.body["done"]) for one in given} == {(201, True)}
        assert len(await desk.rows(t.webhooks)) == 1
        with pytest.raises(KeyReusedError):
            changed = Request(token.id, "k", "another")
            await desk.ledger.database.write(lambda c: answer_once(c, changed, now, work))

    @pytest.mark.parametrize("url", ["https://", "https://a b/x", "https://a:99999/x", "https://u:p@a.example/", "a"])
    async def test_nobody_subscribes_with_an_address_that_is_none(self, desk: Desk, url: str) -> None:
        """Whoever asks, and by whichever way."""
        now, rng = desk.now, desk.ledger.rng
        with pytest.raises(PermanentError, match="an address such as"):
            await desk.ledger.database.write(lambda c: add_webhook(c, url, list(WebhookEvent), now, rng, KEYRING))
        assert await desk.rows(t.webhooks) == []

    async def test_events_are_written_with_their_reason(self, desk: Desk) -> None:
        """Each subscription gets each event once, in the transaction that makes it; ended ones get none."""
        write, read, rng = desk.ledger.database.write, desk.ledger.database.read, desk.ledger.rng
        now = desk.now
        events = [WebhookEvent.CASE_OPENED, WebhookEvent.CASE_ESCALATED]
        add = partial(add_webhook, url="https://a.example", events=events, now=now, rng=rng, keyring=KEYRING)
        hooks = [(await write(add))[0] for _ in range(3)]
        assert await write(lambda c: end_webhook(c, hooks[2].id, "by hand", now))
        await desk.settle(COMPLAINT)
        await desk.settle(COMPLAINT)
        entries = await desk.rows(t.outbox, kind="webhook")
        told = sorted((row.recipient, row.payload["type"]) for row in entries)
        assert told == sorted((hook.id, event.value) for hook in hooks[:2] for event in events)
        opened = [row.payload for row in entries if row.payload["type"] == "case.opened"]
        assert opened[0] == opened[1]
        assert sorted(one.ended_because for one in await read(list_webhooks)) == ["", "", "by hand"]
        entry, attempt = entries[0], desk.ledger.new_id()
        hook_id = str(entry.recipient)
        one = Delivery(attempt, hook_id, entry.id, entry.payload["id"], entry.payload["type"], now, None, 7, "silent")
        await write(lambda c: log_delivery(c, one))
        assert await read(lambda c: list_deliveries(c, hook_id)) == [one]
        await write(lambda c: redeliver(c, hook_id, attempt, now, rng))
        again = [row for row in await desk.rows(t.outbox, kind="webhook") if row.payload == entry.payload]
        assert [row.recipient for row in again].count(hook_id) == 2

    async def test_the_log_is_paged_with_what_became_of_each_event(self, desk: Desk) -> None:
        """Newest first, each attempt once over the pages, with the state that its event has now."""
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        events = [WebhookEvent.CASE_OPENED]
        hook, _ = await write(lambda c: add_webhook(c, "https://a.example", events, now, rng, KEYRING))
        other, _ = await write(lambda c: add_webhook(c, "https://b.example", [], now, rng, KEYRING))
        await write(lambda c: send_test(c, other.id, now, rng))
        await desk.settle(COMPLAINT)
        entry, test = sorted(await desk.rows(t.outbox, kind="webhook"), key=lambda row: row.recipient != hook.id)
        made = [(entry, hook.id)] * 5 + [(test, other.id)]
        for row, hook_id in made:
            one = Delivery(desk.ledger.new_id(), hook_id, row.id, "e", row.payload["type"], now, 500, 7, "no")
            await write(partial(log_delivery, delivery=one))
        read, seen, place = desk.ledger.database.read, [], None
        while (page := await read(lambda c: log_page(c, hook.id, place, 2))).lines:  # noqa: B023 - run at once
            seen += page.lines
            place = Place((page.lines[-1].delivery.id,))
        ids = [one.delivery.id for one in seen]
        assert (len(ids), ids) == (5, sorted(ids, reverse=True))
        assert {(one.state.value, one.may_repeat) for one in seen} == {("pending", True)}
        assert [one.event for one in await read(lambda c: list_deliveries(c, other.id))] == ["webhook.test"]

    async def test_a_test_of_a_subscription_leaves_the_books_in_order(self, desk: Desk) -> None:
        """It is about no case and no mail, and an auditor has nothing to say about it."""
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        hook, _ = await write(lambda c: add_webhook(c, "https://a.example", [], now, rng, KEYRING))
        await write(lambda c: send_test(c, hook.id, now, rng))
        assert await desk.problems() == []

    async def test_a_subscription_is_paused_and_resumed_once(self, desk: Desk) -> None:
        """Each is news once; what waited is due at once; an ended one is neither."""
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        events = [WebhookEvent.CASE_OPENED]
        hook, _ = await write(lambda c: add_webhook(c, "https://a.example", events, now, rng, KEYRING))
        assert [await write(lambda c: pause_webhook(c, hook.id, now)) for _ in range(2)] == [True, False]
        await desk.settle(COMPLAINT)
        late = to_micros(now + timedelta(hours=5))
        await write(lambda c: c.execute(t.outbox.update().values(next_at=late)))
        assert [await write(lambda c: resume_webhook(c, hook.id, now)) for _ in range(2)] == [True, False]
        due = {row.kind: row.next_at for row in await desk.rows(t.outbox)}
        assert (due["webhook"], due["acknowledgement"]) == (to_micros(now), late)
        await write(lambda c: end_webhook(c, hook.id, "by hand", now))
        assert not await write(lambda c: pause_webhook(c, hook.id, now))
        with pytest.raises(PermanentError, match="ended"):
            await write(lambda c: rotate_secret(c, hook.id, now, KEYRING))

    async def test_secrets_lie_sealed_and_change_their_key(self, desk: Desk, tmp_path: Path) -> None:
        """The ledger alone gives none away; after a rotation two sign for a day; a new key takes over."""
        now, rng, write = desk.now, desk.ledger.rng, desk.ledger.database.write
        hook, first = await write(lambda c: add_webhook(c, "https://a.example", [], now, rng, KEYRING))
        second = await write(lambda c: rotate_secret(c, hook.id, now, KEYRING))
        (row,) = await desk.rows(t.webhooks)
        assert not {first, second} & {row.secret, row.old_secret}
        newer = Keyring([bytes(32), *KEYRING.keys])
        assert [await write(lambda c: seal_anew(c, newer)) for _ in range(2)] == [2, 0]
        kept = await desk.ledger.database.read(lambda c: load_webhook(c, hook.id))
        assert kept is not None
        ring = Keyring(newer.keys[:1])
        assert kept.secrets_at(now + timedelta(hours=23), ring) == [second, first]
        assert kept.secrets_at(now + timedelta(hours=25), ring) == [second]

    async def test_a_start_seals_what_lies_open_and_misses_a_lost_key(self, desk: Desk, tmp_path: Path) -> None:
        """What an older version wrote is sealed; without the key that sealed, the process says so and makes none."""
        now, rng, database = desk.now, desk.ledger.rng, desk.ledger.database
        shared = load(SharedSettings, {"ITACA_DATA_DIR": str(tmp_path)})
        await guard_secrets(shared, database)
        assert not (tmp_path / SECRET_FILE).exists()
        hook, secret = await database.write(lambda c: add_webhook(c, "https://a.example", [], now, rng, KEYRING))
        await database.write(lambda c: c.execute(t.webhooks.update().values(secret=secret)))
        await guard_secrets(shared, database)
        kept = await database.read(lambda c: load_webhook(c, hook.id))
        assert kept is not None
        assert secret not in kept.sealed
        assert kept.secrets_at(now, open_keyring(shared)) == [secret]
        (tmp_path / SECRET_FILE).unlink()
        with pytest.raises(ConfigurationError, match=SECRET_FILE):
            await guard_secrets(shared, database)
        with pytest.raises(ConfigurationError, match=SECRET_FILE):
            await database.write(lambda c: keyring_here(c, shared))
        (tmp_path / SECRET_FILE).write_text(base64.b64encode(bytes(32)).decode(), encoding="ascii")
        with pytest.raises(ConfigurationError, match="ITACA_SECRET_KEY"):
            await guard_secrets(shared, database)

    async def test_a_receipt_is_signed_once(self, desk: Desk, other: Desk) -> None:
        """Asked for by two at once it is one, found by its token, with a signature that verifies."""
        await desk.settle(CANCELLATION)
        (case,) = await desk.cases()
        now = desk.now
        issue = partial(issue_receipt, case_id=CaseId(case.id), organisation="Shop", signer=SIGNER, now=now)
        found = await asyncio.gather(*(one.ledger.database.write(issue) for one in (desk, other) * 3))
        receipts = {one.token for one in found if isinstance(one, Receipt)}
        assert len(receipts) == 1
        (token,) = receipts
        kept = await desk.ledger.database.read(lambda c: find_receipt(c, token))
        assert kept == found[0]
        assert kept is not None
        assert (kept.signed.is_valid(), kept.signed.content()["reference"]) == (True, case.reference)

    async def test_a_visit_counts_as_a_mail_does(self, desk: Desk) -> None:
        """One more contact with its files as evidence; the books balance, and nobody's model is credited with it."""
        await desk.settle(COMPLAINT)
        await desk.pass_time(days=1)
        now, rng = desk.now, desk.ledger.rng
        contact = Interaction(
            Channel.VISIT,
            now,
            "È venuta in negozio: dove sono i libri?",
            frozenset({Intent.COMPLAINT}),
            email="Anna@posta.example",
            files=(RecordedFile("scontrino.jpg", "image/jpeg", b"\xff\xd8"),),
        )
        done = await desk.ledger.database.write(lambda c: record_interaction(c, contact, now, POLICY, rng, "agent"))
        (case,) = await desk.cases()
        assert (case.contacts, list(done.references)) == (2, [case.reference])
        assert [row.name for row in await desk.rows(t.evidence)] == ["scontrino.jpg"]
        assert [row.channel for row in await desk.rows(t.interactions, mail_id=done.mail_id)] == ["visit"]
        assert len(await desk.rows(t.readings)) == 1
        assert await desk.problems() == []

    async def test_cases_are_paged_by_every_filter(self, desk: Desk) -> None:
        """Newest first; a history in its order."""
        for number in range(4):
            await desk.settle(COMPLAINT, sender=f"c{number}@posta.example")
        read = desk.ledger.database.read
        first = await read(lambda c: case_page(c, CasePage(owner_email="Agent@shop.example", limit=3)))
        rest = await read(lambda c: case_page(c, CasePage(before=first[-1].id, limit=3)))
        assert [one.customer[:2] for one in (*first, *rest)] == ["c3", "c2", "c1", "c0"]
        assert len(await read(lambda c: case_page(c, CasePage(customer_email="c2@posta.example")))) == 1
        lines = await read(lambda c: history_page(c, first[0].id))
        assert [line.kind for line in lines] == ["opened"]
        assert await read(lambda c: history_page(c, first[0].id, lines[-1].id)) == []
