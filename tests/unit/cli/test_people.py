"""``itaca people``: every change is in the trail, and links where passwords are for a few."""

import sqlite3
from contextlib import closing

from tests.support.verbs import Run

FEW = {
    "ITACA_DESK_OIDC_ISSUER": "https://id.example.it",
    "ITACA_DESK_PASSWORDS_ONLY_FOR": "Capo@example.it",
}


def test_whoever_may_have_no_password_gets_the_role_and_no_link(ledger: Run) -> None:
    """It says so, and names the setting; for one of the few it prints the link as ever."""
    for name, address in (("Anna Neri", "anna@example.it"), ("Chiara Bassi", "capo@example.it")):
        assert ledger("people", "add", name, address).code == 0
    said = ledger("people", "invite", "anna@example.it", "--role", "lead", **FEW)
    assert said.code == 0
    assert "/invite/" not in said.out
    assert "anna@example.it has the role lead and signs in with the company's account" in said.out
    assert "Passwords are for Capo@example.it only (ITACA_DESK_PASSWORDS_ONLY_FOR)." in said.out
    assert "/invite/" in ledger("people", "invite", "capo@example.it", **FEW).out
    assert "/invite/" in ledger("people", "invite", "anna@example.it").out


def test_every_change_stands_in_the_trail(ledger: Run) -> None:
    """As the desk's own do: what was done, in which words, and that it was done from here."""
    assert ledger("people", "add", "Anna Neri", "Anna@example.it", "--team", "Resi").code == 0
    assert ledger("people", "add", "Anna", "anna@example.it").code == 1
    assert ledger("people", "absence", "anna@example.it", "2026-08-03", "2026-08-21").code == 0
    assert ledger("people", "hours", "Resi", "mon-fri 8-14").code == 0
    assert ledger("people", "hours", "Resi", "-").code == 0
    assert ledger("people", "invite", "anna@example.it").code == 0
    with closing(sqlite3.connect("var/itaca.db")) as opened:
        trail = opened.execute("SELECT kind, detail, client, by_id FROM desk_events ORDER BY rowid").fetchall()
    assert [(kind, detail) for kind, detail, _, _ in trail] == [
        ("team_added", "Resi"),
        ("person_added", "Resi"),
        ("absence_noted", "2026-08-03 → 2026-08-21"),
        ("hours_set", "Resi: – → mon-fri 8-14 IT"),
        ("hours_set", "Resi: mon-fri 8-14 IT → –"),
        ("invited", "agent"),
    ]
    assert {(client, by) for _, _, client, by in trail} == {("command line", None)}


def test_what_would_be_ignored_or_refused_by_the_ledger_is_said_before(ledger: Run) -> None:
    """Kinds of a team that is there already, kinds that are none, an absence that ends before it begins."""
    assert ledger("people", "add", "Anna Neri", "anna@example.it", "--kinds", "toys").code == 2
    assert ledger("people", "add", "Anna", "anna@example.it", "--kinds", "order").code == 0
    assert "is there already" in ledger("people", "add", "Ugo", "ugo@example.it", "--kinds", "complaint").err
    assert ledger("people", "absence", "anna@example.it", "2026-08-21", "2026-08-03").code == 2
