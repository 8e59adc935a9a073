"""Codes are found by patterns that explain themselves, and a bad pattern is refused by name."""

import time
from pathlib import Path

import pytest

from itaca.errors import ConfigurationError
from itaca.mail.entities import find_entities, reference_of
from itaca.mail.entity_patterns import default_patterns, load_patterns
from itaca.mail.model import EntityKind


def found(text: str, subject: str = "", recipients: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    entities = find_entities(subject, text, recipients, default_patterns())
    return [(entity.kind.value, entity.value) for entity in entities]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("il mio ordine n. 12345 non è arrivato", "order_number", "12345"),
        ("Ordine N° ab-123/25", "order_number", "AB-123/25"),
        ("conferma d'ordine: 4417", "order_number", "4417"),
        ("order number 300882", "order_number", "300882"),
        ("your Order #EMT-2317.", "order_number", "EMT-2317"),
        ("meine Bestellung Nr. 4500-71128", "order_number", "4500-71128"),
        ("Bestell-Nr. 7718", "order_number", "7718"),
        ("ma commande n° 2026-044", "order_number", "2026-044"),
        ("mi pedido nº 771204", "order_number", "771204"),
        ("la tessera n. 8801", "customer_code", "8801"),
        ("cod. cliente 64018", "customer_code", "64018"),
        ("codice cliente: F2290", "customer_code", "F2290"),
        ("Kundennummer 1188034", "customer_code", "1188034"),
        ("numéro client 5520", "customer_code", "5520"),
        ("contratto numero FL-7781-055", "contract_number", "FL-7781-055"),
        ("Vertragsnummer 70-55128", "contract_number", "70-55128"),
        ("POD IT001E55544771", "contract_number", "IT001E55544771"),
        ("vedi IT-7K3F2-9Q0XZ", "case_reference", "IT-7K3F2-9Q0XZ"),
        ("vedi it-7k3f2-9qoxz", "case_reference", "IT-7K3F2-9Q0XZ"),
    ],
)
def test_codes_are_found(text: str, kind: str, value: str) -> None:
    """Words and codes in five languages, in the spellings people use."""
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "ho fatto un ordine e non è arrivato",
        "ordine del 12/05 non arrivato",
        "il contratto del 2025",
        "riordine 12345",
        "scrivete a ordine12345@shop.example",
        "XIT-7K3F2-9Q0XZ e IT-UUUUU-UUUUU",
    ],
)
def test_what_is_no_code_is_not_found(text: str) -> None:
    """Words alone, dates, parts of words and addresses are no codes."""
    assert found(text) == []


@pytest.mark.parametrize(
    "text", ["la pratica IT-7K3F2-9Q0XZ", "contratto n. IT-7K3F2-9Q0XZ", "ordine it-7k3f2-9q0xz"]
)
def test_our_reference_is_nobodys_number(text: str) -> None:
    """Whatever people call a case reference of ours, it is no order or contract number of theirs."""
    assert found(text) == [("case_reference", "IT-7K3F2-9Q0XZ")]


def test_subject_and_plus_tags_count_once() -> None:
    """The subject is read first; a reference in the address of a recipient counts; nothing is named twice."""
    entities = found(
        "ordine 12345", "Ordine 12345", ("reclami+it-7k3f2-9q0xz@shop.example", "info+7k3f29q0xz@shop.example")
    )
    assert entities == [("case_reference", "IT-7K3F2-9Q0XZ"), ("order_number", "12345")]
    assert reference_of("x") == ""


def test_lm13_a_long_text_takes_no_time() -> None:
    """Only the beginning of a long text is searched, and no pattern can be slow on it."""
    start = time.process_time()
    for text in ("ordine n. " * 100_000, "ordine " + "1-" * 100_000, "1" * 200_000, "ordine     n n n " * 50_000):
        found(text)
    assert time.process_time() - start < 4.0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[[pattern]]\nkind = "tax_code"\nwords = ["x"]', "kind must be one of"),
        ('[[pattern]]\nkind = "order_number"', "needs words or shapes"),
        ('[[pattern]]\nkind = "order_number"\nwords = "ordine"', "words must be a list"),
        ('[[pattern]]\nkind = "order_number"\nwords = ["x"]\nmin_length = 9\nmax_length = 3', "lengths must satisfy"),
        ('[[pattern]]\nkind = "order_number"\nwords = ["x"]\nregex = "(a+)+$"', "unknown key 'regex'"),
        ('[[pattern]]\nkind = "order_number"\nshapes = ["ORD"]', "needs a 9, an A or an X"),
        ("[[pattern]", "entities file"),
        ("[other]\nx = 1", "only [[pattern]] tables"),
    ],
)
def test_a_bad_pattern_is_refused_by_name(tmp_path: Path, content: str, problem: str) -> None:
    """The loader says what is wrong and where; there are no expressions that could run away."""
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_patterns(path)
    assert problem in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    """Two wrong patterns are two problems; a missing file is one."""
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[pattern]]\nkind = "a"\nwords = ["x"]\n[[pattern]]\nkind = "b"\nwords = ["x"]\n', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_patterns(path)
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigurationError):
        load_patterns(tmp_path / "missing.toml")


def test_own_shapes_are_found(tmp_path: Path) -> None:
    """A shape finds codes that stand without a word."""
    path = tmp_path / "mine.toml"
    path.write_text('[[pattern]]\nkind = "customer_code"\nshapes = ["KD-999A"]\n', encoding="utf-8")
    [entity] = find_entities("", "sono il cliente kd-123b, buongiorno", (), load_patterns(path))
    assert (entity.kind, entity.value) == (EntityKind.CUSTOMER_CODE, "KD-123B")
