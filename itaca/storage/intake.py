"""Accepting mail by group commit: many SMTP sessions share one transaction, and each waits for its own.

While one transaction syncs, everybody who comes waits; the next one takes all of them (up to a number and a size).
The wait is one sync, the cost per mail falls with the load.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from itaca.clock import Clock
from itaca.contracts.ids import MailId, uuid7
from itaca.errors import PermanentError, TransientError
from itaca.mail.digest import mail_digest
from itaca.mail.model import Envelope
from itaca.storage.codec import CODEC, compress, storable
from itaca.storage.database import Database
from itaca.storage.moments import to_micros
from itaca.storage.tables import mails, raw_mails
from itaca.storage.upsert import insert_into

FIRST_DRIVE = timedelta(seconds=60)
_IN_THREAD_FROM_BYTES = 256 * 1024


@dataclass(frozen=True)
class Accepted:
    """What the sender is told: the mail's id, and whether it was there already."""

    mail_id: MailId
    is_duplicate: bool


@dataclass(frozen=True)
class _Offer:
    """One mail on its way in, with the future its caller waits for."""

    mail: dict[str, object]
    raw: bytes
    answer: "asyncio.Future[Accepted]"

    @property
    def digest(self) -> str:
        return str(self.mail["digest"])


class Intake:
    """The door to the ledger for new mail.

    Args:
        group_mails: at most so many mails share a transaction.
        group_bytes: a transaction takes no further mail once it holds so many compressed bytes.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rng: random.Random,
        group_mails: int = 200,
        group_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng
        self._group_mails = group_mails
        self._group_bytes = group_bytes
        self._waiting: deque[_Offer] = deque()
        self._committer: asyncio.Task[None] | None = None
        self.commits = 0
        """Transactions so far, for measurements."""

    async def accept(self, envelope: Envelope, raw: bytes, client: str) -> Accepted:
        """Return after the mail is committed, or was found: the same envelope and bytes are the same mail.

        Cancelling the caller takes nothing back: the mail may be committed all the same, and offering it again
        is harmless.

        Args:
            client: who handed it over, as shown to people by ``itaca trace``.

        Raises:
            TransientError: it may or may not be committed; the sender keeps it and offers it again.
            PermanentError: the ledger refuses this very mail.
        """
        offer = await self._prepare(envelope, raw, client)
        self._waiting.append(offer)
        if self._committer is None:
            self._committer = asyncio.get_running_loop().create_task(self._commit_all())
        return await offer.answer

    async def close(self) -> None:
        """Wait until everything offered is decided."""
        while self._committer is not None:
            await asyncio.wait([self._committer])

    async def _prepare(self, envelope: Envelope, raw: bytes, client: str) -> _Offer:
        """Compute what needs no database; large mails off the event loop."""
        if len(raw) >= _IN_THREAD_FROM_BYTES:
            digest, packed = await asyncio.to_thread(lambda: (mail_digest(envelope, raw), compress(raw)))
        else:
            digest, packed = mail_digest(envelope, raw), compress(raw)
        now = self._clock.now()
        mail: dict[str, object] = {
            "id": uuid7(now, self._rng),
            "digest": digest,
            "received_at": to_micros(now),
            "envelope_from": storable(envelope.sender),
            "envelope_to": [storable(recipient) for recipient in envelope.recipients],
            "client": storable(client),
            "size_bytes": len(raw),
            "attempts": 1,
            "drive_at": to_micros(now + FIRST_DRIVE),
        }
        return _Offer(mail, packed, asyncio.get_running_loop().create_future())

    async def _commit_all(self) -> None:
        """Commit group after group until nobody waits; whatever ends this early leaves no caller waiting."""
        group: Sequence[_Offer] = ()
        try:
            while self._waiting:
                group = self._next_group()
                await self._commit(group)
        finally:
            self._committer = None
            left = [*group, *self._waiting]
            self._waiting.clear()
            _fail(left, TransientError("the mail could not be stored now"))

    def _next_group(self) -> list[_Offer]:
        group = [self._waiting.popleft()]
        size_bytes = len(group[0].raw)
        while self._waiting and len(group) < self._group_mails and size_bytes < self._group_bytes:
            group.append(self._waiting.popleft())
            size_bytes += len(group[-1].raw)
        return group

    async def _commit(self, group: Sequence[_Offer]) -> None:
        """Commit the group and tell each; a refused group is tried one by one, so that one pays for itself."""
        try:
            self.commits += 1
            accepted = await self._database.write(lambda connection: _store(connection, group))
        except PermanentError as error:
            if len(group) == 1:
                _fail(group, error)
                return
            for offer in group:
                await self._commit([offer])
        except TransientError as error:
            _fail(group, error)
        else:
            for offer, answer in zip(group, accepted, strict=True):
                if not offer.answer.done():
                    offer.answer.set_result(answer)


def _fail(group: Sequence[_Offer], error: PermanentError | TransientError) -> None:
    """Tell each who still waits; every one gets an error of its own, because raising changes an exception."""
    for offer in group:
        if not offer.answer.done():
            own = type(error)(*error.args)
            own.__cause__ = error
            offer.answer.set_exception(own)


def _store(connection: Connection, group: Sequence[_Offer]) -> list[Accepted]:
    """Insert what is new; return an answer per offer, in their order.

    Another process may insert the same digest between the look and the insert: the unique key then refuses, and
    the database runs this again.
    """
    known = _known(connection, [offer.digest for offer in group])
    answers, new = [], []
    for offer in group:
        is_duplicate = offer.digest in known
        if not is_duplicate:
            known[offer.digest] = MailId(str(offer.mail["id"]))
            new.append(offer)
        answers.append(Accepted(known[offer.digest], is_duplicate))
    if new:
        connection.execute(insert_into(mails), [offer.mail for offer in new])
        rows = [{"mail_id": offer.mail["id"], "codec": CODEC, "raw": offer.raw} for offer in new]
        connection.execute(insert_into(raw_mails), rows)
    return answers


def _known(connection: Connection, digests: Sequence[str]) -> dict[str, MailId]:
    rows = connection.execute(_by_digest(), {"digests": list(digests)})
    return {digest: MailId(mail_id) for digest, mail_id in rows}


@cache
def _by_digest() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    return select(mails.c.digest, mails.c.id).where(mails.c.digest.in_(bindparam("digests", expanding=True)))
