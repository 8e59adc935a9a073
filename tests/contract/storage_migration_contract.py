"""What the migrations must give on every database: exactly the tables and triggers that the code knows."""

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from itaca.errors import ConfigurationError
from itaca.storage.migrate import newest_version, upgrade
from itaca.storage.open import open_database
from itaca.storage.tables import metadata
from itaca.storage.triggers import RULES


class MigrationContract:
    """The fixture ``empty_url`` names a database without tables."""

    async def test_migrations_give_the_tables_of_the_code(self, empty_url: str) -> None:
        """After an upgrade the schema differs in nothing from the tables, and has every trigger."""
        await upgrade(empty_url)
        database = await open_database(empty_url)
        try:
            assert await database.read(_differences) == []
            assert await database.read(_trigger_names) == sorted(rule.name for rule in RULES)
        finally:
            await database.close()

    async def test_upgrade_is_idempotent_and_safe_at_the_same_time(self, empty_url: str) -> None:
        """U1: four processes that upgrade at once, and once more later, all end well."""
        code = "import asyncio, sys; from itaca.storage.migrate import upgrade; asyncio.run(upgrade(sys.argv[1]))"
        started = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", code, empty_url, stderr=asyncio.subprocess.PIPE
            )
            for _ in range(4)
        ]
        ended = [(await process.communicate(), process.returncode) for process in started]
        assert [code for _, code in ended] == [0, 0, 0, 0], ended
        await asyncio.gather(upgrade(empty_url), upgrade(empty_url))
        await (await open_database(empty_url)).close()

    async def test_a_newer_schema_is_refused_by_both_numbers(self, empty_url: str) -> None:
        """U3: an old Itaca neither opens nor upgrades a newer ledger, and says which versions it saw."""
        await self._upgrade_and_call_it(empty_url, "9999")
        for attempt in (open_database, upgrade):
            with pytest.raises(ConfigurationError, match=f"9999.*{newest_version()}"):
                await attempt(empty_url)

    async def test_an_older_schema_is_refused_by_both_numbers(self, empty_url: str) -> None:
        """U2: an older ledger is not opened, and the sentence says what to do."""
        await self._upgrade_and_call_it(empty_url, "0000")
        with pytest.raises(ConfigurationError, match=f"0000.*{newest_version()}.*itaca up"):
            await open_database(empty_url)

    async def test_a_database_without_ledger_is_not_opened(self, empty_url: str) -> None:
        """An empty database is never taken for an empty ledger."""
        with pytest.raises(ConfigurationError, match="itaca up"):
            await open_database(empty_url)

    async def _upgrade_and_call_it(self, url: str, version: str) -> None:
        await upgrade(url)
        database = await open_database(url)
        await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version}))
        await database.close()


def _differences(connection: Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


def _trigger_names(connection: Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    return sorted(connection.execute(text(query)).scalars())
