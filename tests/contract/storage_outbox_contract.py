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

    async def test_n3_n4_a_lost_acknowledgement_is_unknown_and_never_sent_again(self, ledger: Ledger) -> None:
        """N3, N4: after a lease ran out an acknowledgement ends as unknown; a notice is claimed again."""
        kinds = (OutboxKind.ACKNOWLEDGEMENT, OutboxKind.NOTICE)
        case_id = await ledger.open_case(await ledger.accept())
        entries = [ledger.entry(kind, kind.value, case_id=case_id) for kind in kinds]
        await ledger.database.write(lambda c: outbox.enqueue(c, entries))
        await ledger.database.write(lambda c: outbox.claim_due(c, NOW, 60, 9))
        assert await ledger.database.write(lambda c: outbox.claim_due(c, NOW + timedelta(seconds=59), 60, 9)) == []
        late = NOW + timedelta(seconds=61)
        again = await ledger.database.write(lambda c: outbox.claim_due(c, late, 60, 9))
        assert [(e.kind, e.attempts) for e in again] == [(OutboxKind.NOTICE, 2)]
        left = await ledger.database.read(lambda c: outbox.load_entries(c, case_id))
        assert {e.kind: e.state for e in left}[OutboxKind.ACKNOWLEDGEMENT] is OutboxState.UNKNOWN
        acknowledgement = next(e for e in left if e.kind is OutboxKind.ACKNOWLEDGEMENT)
        assert await ledger.database.write(
            lambda c: outbox.finish(c, acknowledgement.id, OutboxState.SENT, late, "250 after all")
        )
