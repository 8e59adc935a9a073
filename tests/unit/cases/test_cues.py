"""Words that change what a contact means, in five languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.cues import EARLIER_CANCELLATION, find_cues, fold, load_cues


def names(text: str, language: str = "it", *addresses: str) -> set[str]:
    return {cue.name for cue in find_cues(text, language, addresses)}


@pytest.mark.parametrize(
    ("language", "text", "cue"),
    [
        ("it", "La pratica passa al mio avvocato.", "lawyer"),
        ("it", "la presente vale come DIFFIDA e messa in mora", "lawyer"),
        ("it", "Mi rivolgerò al Garante", "regulator"),
        ("it", "ho scritto alla Banca d’Italia", "regulator"),
        ("it", "farò un esposto ad AGCOM e Corecom", "regulator"),
        ("it", "Altroconsumo mi assiste", "consumer_association"),
        ("it", "scriverò ai giornali, e a una giornalista che conosco", "press"),
        ("it", "Ho mandato la disdetta a marzo", EARLIER_CANCELLATION),
        ("en", "My solicitors will be in touch", "lawyer"),
        ("en", "I will report this to the Ombudsman", "regulator"),
        ("en", "I have asked Citizens Advice", "consumer_association"),
        ("en", "next I will go to the press", "press"),
        ("en", "I cancelled in March", EARLIER_CANCELLATION),
        ("de", "Ich schalte meinen Anwalt ein", "lawyer"),
        ("de", "meine Anwältin wird Ihnen schreiben", "lawyer"),
        ("de", "Ich melde das der Schlichtungsstelle", "regulator"),
        ("de", "Die Verbraucherzentrale ist informiert", "consumer_association"),
        ("de", "ich wende mich an die Presse", "press"),
        ("de", "Ich habe im März gekündigt", EARLIER_CANCELLATION),
        ("fr", "Mon avocat prendra le relais", "lawyer"),
        ("fr", "je saisis le médiateur de la consommation", "regulator"),
        ("fr", "UFC Que Choisir est prévenue", "consumer_association"),
        ("fr", "je vais alerter la presse", "press"),
        ("fr", "J'ai résilié en mars", EARLIER_CANCELLATION),
        ("es", "Mi abogada se pondrá en contacto", "lawyer"),
        ("es", "presentaré una queja en la OMIC", "regulator"),
        ("es", "FACUA llevará el caso", "consumer_association"),
        ("es", "lo contaré a la prensa", "press"),
        ("es", "Pedí la baja en marzo", EARLIER_CANCELLATION),
    ],
)
def test_a_cue_is_found_in_its_language(language: str, text: str, cue: str) -> None:
    """Whatever the case, accents and apostrophes; also when nobody knows the language."""
    assert names(text, language) == {cue}
    assert cue in names(text, "")
    assert cue in names(text.upper(), language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "L'impression è buona, ma la stampa del libro è sbiadita"),
        ("it", "Il giornale non è arrivato, e neanche gli altri giornali dell'abbonamento"),
        ("it", "ho ordinato il DVD Le iene"),
        ("it", "abito in via dei Carabinieri 3"),
        ("it", "il garante della fideiussione sono io"),
        ("it", "la spremuta va bassa, baja, presse e klage non sono parole nostre"),
        ("en", "I ordered two lamps and got one: which? I cannot tell"),
        ("en", "the garlic press is broken and the newspaper was wet"),
        ("en", "The French press leaks"),
        ("de", "Die Zeitung kam nicht, die Saftpresse ist kaputt"),
        ("de", "Es gab bisher keinen Grund zur Klage"),
        ("fr", "Je suis pressé, merci de répondre vite"),
        ("fr", "les avocats étaient pourris et le presse-agrumes cassé"),
        ("fr", "les journaux arrivent en retard"),
        ("es", "la calidad es baja y la prensa de ajos está rota"),
        ("es", "los periódicos no han llegado"),
        ("", "Die Zeitung kam nicht. Je suis pressé. Il giornale non arriva."),
    ],
)
def test_ordinary_words_are_no_alarm(language: str, text: str) -> None:
    """What customers say about goods sends nobody to the top of the chain."""
    assert names(text, language) <= {EARLIER_CANCELLATION}


def test_the_words_of_one_language_mean_nothing_in_another() -> None:
    """``diffida`` in an English mail is no threat; names that mean one thing only count everywhere."""
    assert names("we bought Diffida shoes", "en") == set()
    assert names("der Avvocato Rossi von Altroconsumo", "de") == {"lawyer", "consumer_association"}


def test_an_unheard_language_has_the_words_of_all_languages_at_hand() -> None:
    """Names count in any language, and phrases where no language was recognised."""
    assert names("advocaat? nee: Rechtsanwalt", "nl") == {"lawyer"}
    assert names("an die Presse", "nl") == set()
    assert names("an die Presse", "") == {"press"}


@pytest.mark.parametrize(
    ("address", "cue"),
    [
        ("redazione@ilgiornaledelpo.example", "press"),
        ("segreteria@studiolegale-rossi.example", "lawyer"),
        ("protocollo@pec.agcom.it", "regulator"),
        ("sportello@altroconsumo.it", "consumer_association"),
    ],
)
def test_an_address_in_copy_speaks_for_itself(address: str, cue: str) -> None:
    """The parts of an address are compared whole, in any case of letters."""
    assert names("Buongiorno", "it", address.upper()) == {cue}


def test_addresses_that_only_resemble_are_no_alarm() -> None:
    """No part of a word counts, nor does a provider of certified mail."""
    assert names("Buongiorno", "it", "espressivo@impressioni.example", "acme@legalmail.it", "") == set()


def test_only_the_first_twenty_thousand_characters_count() -> None:
    """A very long mail costs a bounded time."""
    assert names("avvocato " + "a " * 20_000) == {"lawyer"}
    assert names("a " * 10_000 + "avvocato") == set()


@given(st.text(max_size=400), st.sampled_from(["it", "en", "de", "fr", "es", "nl", ""]))
def test_no_text_breaks_the_search(text: str, language: str) -> None:
    """Any text is folded once and for all, and searched without an error."""
    assert fold(fold(text)) == fold(text) or not text.isascii()
    assert names(text, language) <= set(load_cues())
