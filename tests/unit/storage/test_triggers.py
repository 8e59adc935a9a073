"""The triggers in the code and in the migrations."""

import importlib

import pytest

from itaca.storage import triggers
from itaca.storage.migrate import MIGRATIONS

STEPS = [
    importlib.import_module(f"itaca.storage.migrations.versions.{path.stem}")
    for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_migrations_create_the_triggers_of_the_code(dialect: str) -> None:
    """What the steps created is what ``triggers`` would create now; a change of a rule needs a step of its own."""
    created = [sql.replace("\\:", ":") for step in STEPS for sql in getattr(step, "TRIGGERS", {}).get(dialect, ())]
    # A later step replaces a trigger by one of the same name: to create it twice would be an error of the database.
    standing = {" ".join(sql.split("(")[0].split()[:3]): sql for sql in created}
    assert sorted(standing.values()) == sorted(triggers.statements(dialect))


def test_every_rule_has_its_own_name() -> None:
    """A name names one rule: it becomes a trigger and a function."""
    names = [rule.name for rule in triggers.RULES]
    assert len(set(names)) == len(names)
