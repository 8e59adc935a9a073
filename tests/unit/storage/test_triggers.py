"""The triggers in the code and in the migrations."""

import importlib

import pytest

from itaca.storage import triggers

FIRST = importlib.import_module("itaca.storage.migrations.versions.0001_the_ledger")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_migration_creates_the_triggers_of_the_code(dialect: str) -> None:
    """What the step created is what ``triggers`` would create now; a change of a rule needs a step of its own."""
    written = [sql.replace("\\:", ":") for sql in FIRST.TRIGGERS[dialect]]
    assert written == triggers.statements(dialect)


def test_every_rule_has_its_own_name() -> None:
    """A name names one rule: it becomes a trigger and a function."""
    names = [rule.name for rule in triggers.RULES]
    assert len(set(names)) == len(names)
