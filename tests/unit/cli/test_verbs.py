"""The command line: help with an example, one JSON value a line for programs, exit codes 0, 1 and 2."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import structlog
import typer

from itaca.cli.__main__ import app
from tests.support.verbs import Run


def verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every verb that does something, by its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from verbs(one, (*path, name))


VERBS = dict(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example(words: tuple[str, ...], itaca: Run) -> None:
    """The example begins with the verb itself, so that it can be copied."""
    said = itaca(*words, "--help")
    assert said.code == 0
    assert f"Example: itaca {' '.join(words)}" in said.out


def test_the_verbs_of_the_design_are_there() -> None:
    """What exists by now has its verb."""
    names = {words[0] for words in VERBS}
    assert names >= {
        "up", "ingest", "classifier", "router", "courier", "watch", "desk", "send", "classify", "trace", "audit",
        "cases", "people", "train", "demo", "settings", "queues", "dead-letters",
        "evaluate", "models", "label", "tokens", "activities", "webhooks", "backup", "restore",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("audit", "--nonsense"),
        ("cases", "list", "--kind", "nonsense"),
        ("cases", "list", "--limit", "0"),
        ("send", "no-such-file.eml"),
        ("people", "absence", "anna@example.it", "tomorrow", "2026-08-21"),
    ],
    ids=" ".join,
)
def test_misuse_is_2(words: tuple[str, ...], itaca: Run) -> None:
    """What was typed wrongly is told apart from an answer that is no."""
    said = itaca(*words)
    assert said.code == 2
    assert said.err
    assert not said.out


def test_a_good_configuration_is_0_and_starts_nothing(itaca: Run, tmp_path: Path) -> None:
    """A check before a deployment leaves no trace."""
    said = itaca("up", "--check-config", ITACA_INGEST_CONNECTIONS="10")
    assert (said.code, said.out, said.err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_bad_configuration_is_2_with_every_problem_on_its_line(itaca: Run) -> None:
    """Problems of all stages come at once, each line beginning with its variable."""
    said = itaca("up", "--check-config", ITACA_INGEST_PORT="abc", ITACA_WATCH_INTERVAL_S="0", ITACA_OWNERS="x")
    assert said.code == 2
    named = {line.split(":")[0] for line in said.err.splitlines()}
    assert named == {"ITACA_INGEST_PORT", "ITACA_WATCH_INTERVAL_S", "ITACA_OWNERS"}


def test_a_stage_alone_needs_a_broker_that_others_can_reach(itaca: Run) -> None:
    """In memory, a router in a process of its own would wait for ever."""
    said = itaca("router", "--check-config")
    assert said.code == 2
    assert said.err.startswith("ITACA_BROKER_URL: ")


def test_the_broker_of_a_stage_may_stand_in_a_file(itaca: Run, tmp_path: Path) -> None:
    """As container secrets do: the address is read from it before anybody says that there is none."""
    (tmp_path / "broker").write_text("amqp://itaca:parola@mq/\n")
    assert itaca("router", "--check-config", ITACA_BROKER_URL_FILE=str(tmp_path / "broker")).code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("label", "export", "--to", "file/below.jsonl"), "file"),
        (("demo", "--keep", "file"), "file"),
        (("customers", "erase-again", "."), "."),
    ],
    ids=" ".join,
)
def test_a_path_that_cannot_be_used_is_a_sentence(words: tuple[str, ...], says: str, ledger: Run) -> None:
    """Whichever verb met it: the path and why, and nothing of our code."""
    Path("file").write_text("")
    said = ledger(*words)
    assert (said.code in (1, 2), says in said.err, "Traceback" in said.err) == (True, True, False)


@pytest.mark.parametrize("words", [("--port", "99999"), ()])
def test_a_port_that_is_none_is_misuse(words: tuple[str, ...], itaca: Run) -> None:
    """By option or by variable; one that the settings name is where mail is sent without an option."""
    Path("mail.eml").write_text("Subject: x\n\nx\n")
    assert itaca("send", "mail.eml", *words, ITACA_INGEST_PORT="abc").code == 2
    assert "127.0.0.1:1;" in itaca("send", "mail.eml", ITACA_INGEST_PORT="1").err


def test_a_ledger_that_is_away_names_its_variable(itaca: Run) -> None:
    """A server that does not answer is 1, and the sentence says where its address stands."""
    said = itaca("cases", "list", ITACA_DATABASE_URL="postgresql+asyncpg://u:parola@127.0.0.1:1/x")
    assert (said.code, "ITACA_DATABASE_URL" in said.err, "parola" in said.err) == (1, True, False)


def test_settings_show_what_is_in_effect_and_mask_secrets(itaca: Run) -> None:
    """One JSON object holds every variable."""
    said = itaca(
        "settings", "--json", ITACA_BROKER_URL="amqp://a:parola@mq/", ITACA_COURIER_BATCH_SIZE="7",
        ITACA_INGEST_CONNECTIONS="10",
    )  # fmt: skip
    (shown,) = said.lines
    assert shown["ITACA_COURIER_BATCH_SIZE"] == "7"
    assert shown["ITACA_BROKER_URL"] == "**********"
    assert "parola" not in said.out + said.err


@pytest.mark.parametrize("words", [("audit",), ("cases", "list"), ("people", "list"), ("trace", "x")], ids=" ".join)
def test_a_ledger_that_is_not_there_is_2_in_one_sentence(words: tuple[str, ...], itaca: Run, tmp_path: Path) -> None:
    """The wrong folder is a misconfiguration; looking there does not make an empty ledger, which would balance."""
    said = itaca(*words)
    assert said.code == 2
    assert "itaca up" in said.err
    assert len(said.err.splitlines()) == 1
    assert not list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize("words", [("queues",), ("dead-letters", "list")], ids=" ".join)
def test_queues_in_memory_cannot_be_asked_from_outside(words: tuple[str, ...], itaca: Run) -> None:
    """The answer says where the same figures are."""
    said = itaca(*words)
    assert said.code == 1
    assert "itaca_queue_messages" in said.err


def test_the_books_of_an_empty_ledger_balance(ledger: Run) -> None:
    """Exit 0, and the figures for programs."""
    said = ledger("audit", "--json")
    assert said.code == 0
    (books,) = said.lines
    assert (books["accepted"], books["unaccounted"], books["problems"]) == (0, 0, [])
    assert "The books balance." in ledger("audit").out


def test_people_are_added_listed_and_away(ledger: Run) -> None:
    """A person stands in the list with team, languages and lead."""
    assert ledger("people", "add", "Chiara Bassi", "capo@example.it").code == 0
    added = ledger(
        "people", "add", "Anna Neri", "Anna@example.it", "--languages", "it,en", "--lead", "capo@example.it"
    )
    assert added.code == 0
    assert ledger("people", "absence", "anna@example.it", "2000-01-01", "2999-12-31").code == 0
    people = {row["email"]: row for row in ledger("people", "list", "--json").lines}
    anna = people["anna@example.it"]
    assert (anna["languages"], anna["lead"], anna["present"]) == ("it,en", "capo@example.it", "no")
    assert people["capo@example.it"]["present"] == "yes"


@pytest.mark.parametrize(
    "words",
    [
        ("trace", "IT-AAAAA-AAAAA"),
        ("cases", "show", "IT-AAAAA-AAAAA"),
        ("cases", "close", "IT-AAAAA-AAAAA", "remedied", "--evidence", "x"),
        ("people", "absence", "nobody@example.it", "2026-08-03", "2026-08-21"),
        ("people", "add", "Anna", "anna@example.it", "--lead", "nobody@example.it"),
    ],
    ids=" ".join,
)
def test_what_is_not_known_is_1_and_named(words: tuple[str, ...], ledger: Run) -> None:
    """The answer is no, in a sentence that repeats what was looked for."""
    said = ledger(*words)
    assert said.code == 1
    assert any(word in said.err for word in words[1:])


def test_no_cases_are_no_lines_for_a_program(ledger: Run) -> None:
    """A program reads one JSON value a line, and nothing where there is nothing."""
    assert ledger("cases", "list", "--json").out == ""
    assert "No such cases." in ledger("cases", "list").out


def test_what_is_logged_does_not_mix_with_the_answer(itaca: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds the answer alone, also where an adapter logs on the way to it."""
    itaca("settings", "--json", ITACA_INGEST_CONNECTIONS="10")
    structlog.get_logger().info("broker.connection_opened")
    structlog.get_logger().warning("broker.connection_lost")
    said = capsys.readouterr()
    assert said.out == ""
    assert "broker.connection_opened" not in said.err
    assert "broker.connection_lost" in said.err
