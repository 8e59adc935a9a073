"""``itaca people invite`` where passwords are for a few."""

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
