"""The secrets of webhooks under their keys: sealed at the start of a process, and sealed anew after a rotation."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from itaca.keys import Keyring, is_sealed, open_keyring
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.tables import webhooks


async def guard_secrets(settings: SharedSettings, database: Database) -> None:
    """Seal what an older version left open, and see that what is sealed can be opened.

    Raises:
        ConfigurationError: the key is missing, or is not the one that sealed a secret of a subscription that stands.
        TransientError: the ledger is away.
    """
    found = await database.read(_secrets)
    if not found:
        return
    keyring = _keyring(settings, found)
    for sealed in found:
        keyring.open(sealed)
    if not all(map(is_sealed, found)):
        await database.write(lambda conn: seal_anew(conn, keyring, only_open=True))


def keyring_here(conn: Connection, settings: SharedSettings) -> Keyring:
    """Return the keys by which a new secret is sealed.

    Raises:
        ConfigurationError: there is none, and what was sealed before needs it.
    """
    return _keyring(settings, _secrets(conn))


def seal_anew(conn: Connection, keyring: Keyring, *, only_open: bool = False) -> int:
    """Seal every secret by the newest key; return how many were changed.

    Raises:
        ConfigurationError: no key of the ring opens one of them; nothing is changed then.
    """
    changed = 0
    for column in (webhooks.c.secret, webhooks.c.old_secret):
        query = select(webhooks.c.id, column).where(column.is_not(None)).with_for_update()
        if not only_open:
            query = query.where(webhooks.c.ended_at.is_(None))
        for webhook_id, kept in conn.execute(query).all():
            if is_sealed(kept) and (only_open or kept.split(":")[1] == keyring.mark):
                continue
            sealed = keyring.seal(keyring.open(kept))
            conn.execute(update(webhooks).where(webhooks.c.id == webhook_id).values({column: sealed}))
            changed += 1
    return changed


def _keyring(settings: SharedSettings, kept: Sequence[str]) -> Keyring:
    """A key is made only where nothing was ever sealed: whoever lost theirs is told, and asked for it."""
    return open_keyring(settings, makes=not any(map(is_sealed, kept)))


def _secrets(conn: Connection) -> list[str]:
    """Return the secrets of subscriptions that stand; those that ended sign nothing any more."""
    rows = conn.execute(select(webhooks.c.secret, webhooks.c.old_secret).where(webhooks.c.ended_at.is_(None)))
    return [kept for row in rows for kept in row if kept]
