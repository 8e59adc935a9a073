"""Names of erased customers as salted hashes: nobody reads them back, whoever asks by the name is still answered.

The salt lies in the ledger, because every stage on every machine must give the same answer: whoever has the whole
ledger can try a name that they know already, and learns nothing about one that they do not.
"""

import hashlib
import hmac
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from itaca.cases.activities import normalised_code
from itaca.mail.model import EntityKind
from itaca.storage.tables import salts
from itaca.storage.upsert import insert_new

ADDRESS = "address"
CUSTOMER = EntityKind.CUSTOMER_CODE.value
CONTRACT = EntityKind.CONTRACT_NUMBER.value
SALT_BYTES = 32
ERASED = "erased:"
"""What stands before a hash where a contract number stood."""
_PURPOSE = "erasure"


def load_salt(conn: Connection) -> bytes:
    """Return the salt of this ledger; empty as long as nobody was erased."""
    found = conn.execute(_salt()).scalar()
    return b"" if found is None else bytes(found)


def keep_salt(conn: Connection, chance: bytes) -> bytes:
    """Return the salt of this ledger; at the first erasure it is ``chance``, SALT_BYTES that nobody can guess."""
    conn.execute(insert_new(conn, salts, key=("purpose",)).values(purpose=_PURPOSE, salt=chance))
    return load_salt(conn)


def salted(salt: bytes, kind: str, value: str) -> str:
    """Return the hash of a name as 64 hexadecimal digits; empty where there is no salt, which no name has."""
    if not salt:
        return ""
    known = value.strip().lower() if kind == ADDRESS else normalised_code(value)
    return hmac.new(salt, f"{kind}:{known}".encode(), hashlib.sha256).hexdigest()


def erased_matter(salt: bytes, contract: str) -> str:
    """Return what stands in a case instead of this contract; empty where there is no salt."""
    return f"{ERASED}{salted(salt, CONTRACT, contract)}" if salt else ""


@cache
def _salt() -> Select[Any]:
    """Built once: every question about a suppression asks it."""
    return select(salts.c.salt).where(salts.c.purpose == _PURPOSE)
