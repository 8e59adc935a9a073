"""Verbs for other systems: tokens, and activities by a file."""

from pathlib import Path

import pytest

from tests.support.verbs import Run

HEAD = "system,id,kind,happened_at,email,contract,amount\n"


def test_a_token_is_shown_once_and_revoked(ledger: Run) -> None:
    """Printed when it is made; afterwards the list shows what it may do and nothing of its secret."""
    made = ledger("tokens", "add", "billing", "--scope", "activities:write", "--scope", "suppressions:read")
    assert made.out.startswith("itaca_")
    listed = ledger("tokens", "list", "--json")
    assert listed.lines[0]["scopes"] == ["activities:write", "suppressions:read"]
    assert made.out.strip().split("_", 2)[2] not in ledger("tokens", "list").out + listed.out
    assert ledger("tokens", "revoke", "billing").out == "billing is revoked.\n"
    assert ledger("tokens", "revoke", "billing").out == "billing was revoked before.\n"
    assert ledger("tokens", "add", "billing", "--scope", "cases:read").code == 1
    assert ledger("tokens", "revoke", "nobody").code == 1


@pytest.mark.parametrize("words", [("--scope", "everything"), (), ("--scope", "cases:read", "--days", "0")])
def test_a_token_without_a_known_scope_or_end_is_misuse(ledger: Run, words: tuple[str, ...]) -> None:
    """The scopes there are stand in the refusal."""
    assert ledger("tokens", "add", "billing", *words).code == 2


def test_a_subscription_is_looked_after_by_verbs(ledger: Run) -> None:
    """Made and given a new secret, each shown once; paused and resumed once each; tested until it ends."""
    webhook_id, secret = ledger("webhooks", "add", "https://crm.example/x", "--event", "case.opened").out.split()
    later = ledger("webhooks", "rotate", webhook_id).out.strip()
    assert (secret[:6], later[:6], secret == later) == ("whsec_", "whsec_", False)
    shown = ledger("webhooks", "list").out + ledger("webhooks", "list", "--json").out
    assert (webhook_id in shown, secret in shown, later in shown) == (True, False, False)
    assert [ledger("webhooks", verb, webhook_id).code for verb in ("pause", "pause", "resume", "resume")] == [
        0,
        1,
        0,
        1,
    ]
    assert ledger("webhooks", "reseal").out == "sealed 0\n"
    assert ledger("webhooks", "test", webhook_id).code == 0
    assert ledger("webhooks", "remove", webhook_id).code == 0
    assert [ledger("webhooks", verb, webhook_id).code for verb in ("test", "rotate", "pause")] == [1, 1, 1]


@pytest.mark.parametrize("url", ["crm.example", "https://", "https://crm.example:99999/", "https://a b/"])
def test_a_subscription_needs_an_address(ledger: Run, url: str) -> None:
    """One that leads nowhere is misuse, and an example is given."""
    said = ledger("webhooks", "add", url, "--event", "case.opened")
    assert (said.code, "https://crm.example/itaca" in said.err, said.out) == (2, True, "")


@pytest.mark.parametrize("verb", ["remove", "pause", "resume", "rotate", "test", "deliveries"])
def test_a_subscription_that_is_none_is_named_as_such(ledger: Run, verb: str) -> None:
    """Exit 1 and a sentence on standard error; nothing for whoever reads standard output."""
    said = ledger("webhooks", verb, "019e9f2e-8c1b-7d7a-9a55-0c6c8a6f2b11")
    assert (said.code, said.out) == (1, "")
    assert "no subscription" in said.err


def test_a_file_of_charges_is_imported_once(ledger: Run, tmp_path: Path) -> None:
    """Counted by what became of them; the same file again changes nothing."""
    file = tmp_path / "charges.csv"
    file.write_text(
        HEAD + "billing,1,charge,2026-08-31,anna@example.it,,9.99\nbilling,2,charge,2026-09-01T10:00Z,,C 9,\n"
    )
    said = ledger("activities", "import", str(file))
    assert (said.code, said.out) == (0, "0 violation, 0 clear, 2 unknown, 0 known before\n")
    again = ledger("activities", "import", str(file), "--json")
    assert again.lines == [{"violation": 0, "clear": 0, "unknown": 0, "known_before": 2}]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEAD + "billing,1,charge,yesterday,a@b.it,,\n", "line 2: happened_at is a day such as"),
        (HEAD + "billing,1,gift,2026-08-31,a@b.it,,\n", "kinds are"),
        (HEAD + "billing,1,charge,2026-08-31,,,\n", "to whom"),
        (HEAD + ",,charge,2026-08-31,a@b.it,,\n", "system and id"),
        (HEAD + f"billing,{'1' * 129},charge,2026-08-31,a@b.it,,\n", "line 2: id is longer than 128 characters"),
        (HEAD + f"billing,1,charge,2026-08-31,{'a' * 321},,\n", "line 2: email is longer than 320 characters"),
        (HEAD + "billing,1,charge,2026-08-31,a@b.it,c\x07,\n", "line 2: contract holds control characters"),
        ("id,kind\n1,charge\n", "no column system, happened_at"),
        ("\xff\xfe", "no CSV"),
    ],
)
def test_a_file_with_a_fault_is_refused_whole(ledger: Run, tmp_path: Path, content: str, says: str) -> None:
    """Nothing of it is done, and the line is named."""
    file = tmp_path / "charges.csv"
    file.write_bytes(content.encode("latin-1"))
    said = ledger("activities", "import", str(file))
    assert said.code == 1
    assert says in said.err
