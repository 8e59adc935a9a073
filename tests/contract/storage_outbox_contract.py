"""What every database must do for what leaves the system."""

import asyncio
from datetime import timedelta

from itaca.contracts.intents import OutboxKind, OutboxState
from itaca.storage import outbox
from tests.support.ledger import NOW, Ledger


class OutboxContract:
    """What leaves the system leaves once, or nobody knows and it is said so."""

    async def test_an_entry_is_queued_once(self, ledger: Ledger) -> None:
        """A key that was used before, in this call or an earlier one, adds nothing."""
        entries = [ledger.entry(OutboxKind.NOTICE, key) for key in ("a", "b", "a")]
        assert await ledger.database.write(lambda c: outbox.enqueue(c, entries[:2])) == 2
        assert await ledger.database.write(lambda c: outbox.enqueue(c, [entries[2]])) == 0
        assert await ledger.database.write(lambda c: outbox.enqueue(c, [])) == 0

    async def test_two_couriers_never_hold_one_entry(self, ledger: Ledger, second_ledger: Ledger) -> None:
        """Concurrent claims share the entries out; each comes with its payload and its count of attempts."""
        entries = [ledger.entry(OutboxKind.NOTICE, str(n), recipient="p@s.example") for n in range(12)]
        await ledger.database.write(lambda c: outbox.enqueue(c, entries))
        claims = await asyncio.gather(
            *(
                each.database.write(lambda c: outbox.claim_due(c, NOW, 60, 5))
                for each in (ledger, second_ledger, ledger, second_ledger)
            )
        )
        claimed = [entry for claim in claims for entry in claim]
        rest = await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 50))
        assert sorted(e.id for e in [*claimed, *rest]) == sorted(e.id for e in entries)
        assert {(e.attempts, e.payload["text"], e.recipient) for e in claimed} == {(1, "però", "p@s.example")}

    async def test_finished_and_postponed_entries(self, ledger: Ledger) -> None:
        """A sent entry is done for ever; a postponed one comes back at its date with the next attempt."""
        entries = [ledger.entry(OutboxKind.ORDER_HANDOFF, key) for key in ("sent", "later")]
        await ledger.database.write(lambda c: outbox.enqueue(c, entries))
        sent, later = (await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 9)))[:2]
        finish = outbox.finish
        assert await ledger.database.write(lambda c: finish(c, sent.id, OutboxState.SENT, NOW, "250"))
        assert not await ledger.database.write(lambda c: finish(c, sent.id, OutboxState.FAILED, NOW, "550"))
        soon = NOW + timedelta(seconds=30)
        assert await ledger.database.write(lambda c: outbox.retry_later(c, later.id, soon, "451"))
        assert not await ledger.database.write(lambda c: outbox.retry_later(c, sent.id, soon, "451"))
        assert await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 9)) == []
        again = await ledger.database.write(lambda c: outbox.claim_due(c, soon, 60, 9))
        assert [(e.id, e.attempts) for e in again] == [(later.id, 2)]

    async def test_n1_a_claim_alone_sends_nothing(self, ledger: Ledger, second_ledger: Ledger) -> None:
        """N1: an entry whose courier died before it began is claimed again, and only one of two may begin."""
        entry = ledger.entry(OutboxKind.ACKNOWLEDGEMENT, "a")
        await ledger.database.write(lambda c: outbox.enqueue(c, [entry]))
        await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 9))
        early, late = NOW + timedelta(seconds=59), NOW + timedelta(seconds=61)
        assert await ledger.database.write(lambda c: outbox.claim_due(c, early, 60, 9)) == []
        again = await ledger.database.write(lambda c: outbox.claim_due(c, late, 60, 9))
        assert [(e.id, e.attempts) for e in again] == [(entry.id, 2)]
        began = await asyncio.gather(
            *(each.database.write(lambda c: outbox.begin_sending(c, entry.id)) for each in (ledger, second_ledger))
        )
        assert sorted(began) == [False, True]

    async def test_n3_n4_what_had_begun_and_fell_silent_is_unknown_and_never_sent_again(self, ledger: Ledger) -> None:
        """N3, N4: a lease that ran out while sending ends the entry as unknown; a late answer corrects it."""
        case_id = await ledger.open_case(await ledger.accept())
        entries = [ledger.entry(OutboxKind.ACKNOWLEDGEMENT, key, case_id=case_id) for key in ("begun", "waiting")]
        await ledger.database.write(lambda c: outbox.enqueue(c, entries))
        begun, waiting = entries
        await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 9))
        assert await ledger.database.write(lambda c: outbox.begin_sending(c, begun.id))
        late = NOW + timedelta(seconds=61)
        again = await ledger.database.write(lambda c: outbox.claim_due(c, late, 60, 9))
        assert [e.id for e in again] == [waiting.id]
        left = {e.id: e for e in await ledger.database.read(lambda c: outbox.load_entries(c, case_id))}
        assert (left[begun.id].state, left[begun.id].detail) == (OutboxState.UNKNOWN, outbox.LEASE_LOST)
        much_later = late + timedelta(days=1)
        assert [e.id for e in await ledger.database.write(lambda c: outbox.claim_due(c, much_later, 60, 9))] == [
            waiting.id
        ]
        assert not await ledger.database.write(lambda c: outbox.begin_sending(c, begun.id))
        assert await ledger.database.write(lambda c: outbox.finish(c, begun.id, OutboxState.SENT, late, "250"))
