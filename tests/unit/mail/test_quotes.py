"""New text and history are told apart, in the ways people and programs quote, and no line is lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.quotes import split_quotes

NEW = "Non sono d'accordo, voglio il rimborso."
OLD = "Gentile cliente,\nla sua pratica è chiusa."
MARKED = "> Gentile cliente,\n> la sua pratica è chiusa."

ANNOUNCED = {
    "gmail italian": "Il giorno gio 3 lug 2025 alle ore 10:12 Servizio <info@shop.example> ha scritto:",
    "webmail italian": "Il 03/07/2025 10:12, Servizio Clienti ha scritto:",
    "short italian": "Il 9 ottobre Servizio ha scritto:",
    "italian, date last": "Servizio Clienti ha scritto il 01.09.25:",
    "wrapped italian": "Il giorno gio 3 lug 2025 alle ore 10:12 Servizio Cortese\n<info@shop.example> ha\nscritto:",
    "english": "On Thu, Jul 3, 2025 at 10:12 AM Service <info@shop.example> wrote:",
    "wrapped english": "On Thu, Jul 3, 2025 at 10:12 AM The Customer Service <\ninfo@shop.example> wrote:",
    "german": "Am 03.07.2025 um 10:12 schrieb Service:",
    "german, date last": "Service <info@shop.example> schrieb am Do., 3. Juli 2025 um 10:12 Uhr:",
    "french": "Le jeu. 3 juil. 2025 à 10:12, Service <info@shop.example> a écrit :",
    "spanish": "El jue, 3 jul 2025 a las 10:12, Servicio (<info@shop.example>) escribió:",
    "inbox": "2025-07-03 10:12 GMT+02:00 Service <info@shop.example>:",
}
BLOCKS = {
    "outlook italian": "Da: Servizio <info@shop.example>\nInviato: giovedì 3 luglio\nA: Mario\nOggetto: Pratica",
    "outlook english": "From: Service\nSent: Thursday, July 3, 2025 10:12 AM\nTo: Mario\nSubject: Case",
    "outlook german": "Von: Service\nGesendet: Donnerstag, 3. Juli 2025 10:12\nAn: Mario\nBetreff: Fall",
    "outlook french": "De : Service\nEnvoyé : jeudi 3 juillet 2025 10:12\nÀ : Mario\nObjet : Dossier",
    "outlook spanish": "De: Servicio\nEnviado: jueves, 3 de julio de 2025 10:12\nPara: Mario\nAsunto: Caso",
    "with rule": "________________________________\nDa: Servizio\nInviato: 3 luglio\nA: Mario\nOggetto: Pratica",
    "bold": "*Da:* Servizio\n*Inviato:* giovedì 3 luglio\n*A:* Mario\n*Oggetto:* Pratica",
    "separator italian": "-----Messaggio originale-----\nDa: Servizio\nData: 3 luglio",
    "separator alone": "-----Original Message-----",
    "forwarded": "---------- Forwarded message ---------\nFrom: Service\nDate: Thu\nSubject: Case\nTo: Mario",
    "notes": "----- Inoltrato da Mario Rossi/ACME il 03/07/2025 10:12 -----",
}


@pytest.mark.parametrize("name", ANNOUNCED)
@pytest.mark.parametrize("history", [OLD, MARKED])
def test_attributions(name: str, history: str) -> None:
    """What follows an attribution is history, marked or not."""
    split = split_quotes(f"{NEW}\n\n{ANNOUNCED[name]}\n\n{history}\n")
    assert split.new_text.strip() == NEW
    assert split.quoted_text.startswith(ANNOUNCED[name])
    assert split.quoted_text.rstrip().endswith("chiusa.")


@pytest.mark.parametrize("name", BLOCKS)
def test_header_blocks_and_separators(name: str) -> None:
    """What follows a header block or a drawn rule is history."""
    split = split_quotes(f"{NEW}\n\n{BLOCKS[name]}\n\n{OLD}\n")
    assert split.new_text.strip() == NEW
    assert split.quoted_text.startswith(BLOCKS[name][:10])


@pytest.mark.parametrize(
    "text",
    [
        "Il 3 luglio la vostra operatrice mi ha scritto:\n\nil pacco è in viaggio. Non è vero e voglio un rimborso!",
        "Ho scritto tre volte e nessuno ha scritto nulla. Chi ha scritto: lo so io.",
        "On Monday I wrote:\n\nplease cancel. You did not.",
        "Am 3. Juli haben Sie mir geschrieben:\n\nalles gut. Nichts ist gut!",
        "Da: Milano\nA: Roma\nil pacco non è mai arrivato",
        "Inviato da iPhone\nnon mi avete risposto",
        "Inoltrato da Outlook per iOS\nnon mi avete risposto",
        "| codice | pezzi |\n| A12 | 3 |\nmandatemi questi",
        "-----\nprimo punto: rotto\n-----\nsecondo punto: sporco",
        "Da: Mario Rossi\nOggetto: reclamo\nMessaggio: la caldaia perde",
    ],
)
def test_lm34_a_complaint_that_looks_like_a_quote_stays_new(text: str) -> None:
    """Bare verbs, signatures, tables, web forms and "he wrote to me" hide nothing from the first view."""
    assert split_quotes(text).new_text == text


def test_lm34_answers_between_quotes_are_all_new() -> None:
    """Interleaved answers stay new, in their order."""
    split = split_quotes("> Quando?\nIeri.\n> Dove?\n\nA Roma, ed era rotto.\n> Saluti\n")
    assert split.new_text.split() == ["Ieri.", "A", "Roma,", "ed", "era", "rotto."]
    assert split.quoted_text == "> Quando?\n> Dove?\n> Saluti"


def test_a_forwarded_mail_without_new_text_keeps_its_history() -> None:
    """A bare forward has no new text; all of it is there to be judged as history."""
    split = split_quotes(f"{BLOCKS['outlook italian']}\n\n{OLD}")
    assert split.new_text == ""
    assert OLD in split.quoted_text


LINES = st.sampled_from(
    [*ANNOUNCED.values(), *BLOCKS.values(), NEW, OLD, MARKED, "", ">", "> x", "Da:", "--", "ha scritto:", "|", ":"]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=30)), max_size=15).map("\n".join))
def test_lm34_no_line_is_lost(text: str) -> None:
    """Every line is in the new text or in the history, as often as it was in the mail."""
    split = split_quotes(text)
    kept = [line for line in [*split.new_text.split("\n"), *split.quoted_text.split("\n")] if line]
    assert sorted(kept) == sorted(line for line in text.split("\n") if line)


@pytest.mark.parametrize(
    "piece",
    [
        ">",
        ">\n",
        "Il giorno ",
        "Il giorno\n",
        "Il 3/7/25 ha scritto:\n",
        "Da: x\n",
        "-----\n",
        "On Mon wrote:\n\n",
        "a:\n",
    ],
)
def test_lm13_five_megabytes_are_split_in_linear_time(piece: str) -> None:
    """No pattern is tried at every place of a huge text."""
    text = piece * (5_000_000 // len(piece))
    start = time.process_time()
    split_quotes(text)
    assert time.process_time() - start < 10.0
