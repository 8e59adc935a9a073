"""Receipts in letters: where a customer finds the signed receipt of each cancellation that a letter names."""

from dataclasses import replace
from datetime import datetime

import structlog

from itaca.cases.receipts import Signer
from itaca.contracts.intents import CaseKind
from itaca.errors import ConfigurationError
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.letters import Context, Matter
from itaca.storage.receipts import issue_receipt, open_signer

log = structlog.get_logger()


class Receipts:
    """Issues receipts as letters need them; without an address of the desk for customers, letters name none."""

    def __init__(self, database: Database, settings: SharedSettings) -> None:
        self._database, self._settings = database, settings
        self._signer: Signer | None = None

    async def named(self, context: Context, now: datetime) -> Context:
        """Return the context with the address of each receipt.

        A key that cannot be read costs the receipt and not the letter: the customer must have the reference.

        Raises:
            TransientError: the ledger is away.
        """
        if not self._settings.receipts_url or all(m.kind is not CaseKind.CANCELLATION for m in context.matters):
            return context
        try:
            self._signer = self._signer or open_signer(self._settings)
        except ConfigurationError:
            log.error("courier.receipt_unsigned", mail_id=context.mail.id)
            return context
        signer = self._signer
        return replace(context, matters=[await self._with(matter, signer, now) for matter in context.matters])

    async def _with(self, matter: Matter, signer: Signer, now: datetime) -> Matter:
        if matter.kind is not CaseKind.CANCELLATION:
            return matter
        organisation = self._settings.organisation
        found = await self._database.write(lambda conn: issue_receipt(conn, matter.id, organisation, signer, now))
        if found is None:
            return matter
        return replace(matter, receipt=f"{self._settings.receipts_url.rstrip('/')}/receipts/{found.token}")
