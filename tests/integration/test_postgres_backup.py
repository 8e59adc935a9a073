"""``itaca backup`` and ``itaca restore`` on a real PostgreSQL, by its own pg_dump and pg_restore."""

import asyncio
import subprocess
from pathlib import Path

from sqlalchemy import text

from itaca.storage.database import Database
from tests.support.ledger import open_ledger
from tests.support.postgres import PostgresServer
from tests.support.verbs import Run, itaca

__all__ = ["itaca"]


async def accept_some(url: str) -> None:
    async with open_ledger(url) as ledger:
        for number in range(3):
            await ledger.open_case(await ledger.accept(b"Subject: %d\r\n\r\nE i libri?\r\n" % number))


async def mails_in(url: str) -> int:
    async with open_ledger(url) as ledger:
        database: Database = ledger.database
        return await database.read(lambda conn: conn.execute(text("SELECT count(*) FROM raw_mails")).scalar_one())


def test_a_backup_restores_into_an_empty_database(
    itaca: Run, postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    """All or nothing: a full database, a damaged archive and one of a newer Itaca change nothing."""
    asyncio.run(accept_some(postgres_url))
    here, empty = postgres_url, postgres_server.url(postgres_server.new_empty_database())
    said = itaca("backup", "kept.dump", "--json", ITACA_DATABASE_URL=here)
    assert (said.code, said.lines[0]["accepted"], said.lines[0]["settled"]) == (0, 3, 0), said
    assert "tables already" in itaca("restore", "kept.dump", ITACA_DATABASE_URL=here).err
    whole = (tmp_path / "kept.dump").read_bytes()
    (tmp_path / "broken.dump").write_bytes(whole[: len(whole) * 3 // 4])
    assert itaca("restore", "broken.dump", ITACA_DATABASE_URL=empty).code == 1
    restored = itaca("restore", "kept.dump", "--json", ITACA_DATABASE_URL=empty)
    assert (restored.code, restored.lines[0]["accepted"]) == (0, 3), restored
    assert asyncio.run(mails_in(empty)) == 3


def test_one_of_a_newer_itaca_is_refused(itaca: Run, postgres_server: PostgresServer, tmp_path: Path) -> None:
    """Its number is read in the archive, before anything is written; a database without a ledger makes none."""
    name, empty = postgres_server.new_database(), postgres_server.url(postgres_server.new_empty_database())
    postgres_server.sql("UPDATE alembic_version SET version_num = '9999'", database=name)
    address = ["-h", "127.0.0.1", "-p", str(postgres_server.port), "-U", "itaca", "-Fc", "-f", "newer.dump", name]
    subprocess.run([str(postgres_server.programs / "pg_dump"), *address], check=True, cwd=tmp_path)
    assert "knows only" in itaca("restore", "newer.dump", ITACA_DATABASE_URL=empty).err
    assert "no ledger is in it" in itaca("backup", "none.dump", ITACA_DATABASE_URL=empty).err
    assert [file.name for file in tmp_path.iterdir()] == ["newer.dump"]


def test_what_is_missing_is_named_without_the_password(
    itaca: Run, postgres_server: PostgresServer, postgres_url: str
) -> None:
    """A server that is away, and tools that are not installed."""
    away = postgres_url.replace(str(postgres_server.port), "1")
    for said in (
        itaca("backup", "a.dump", ITACA_DATABASE_URL=away),
        itaca("backup", "a.dump", ITACA_DATABASE_URL=postgres_url, PATH="/nowhere"),
    ):
        assert (said.code, "porta-a-casa" in said.err) == (1, False), said.err
    assert "pg_dump is missing: install" in said.err
