"""What an answer asks for and whether it only passes the matter on, in five languages."""

import pytest

from itaca.cases.written_answers import ATTACHMENT, asked_data, says_passed_on
from itaca.mail.model import EntityKind
from services.desk.templates import CUSTOMER_LANGUAGES, templates_for

ORDER, CUSTOMER, CONTRACT = (
    kind.value for kind in (EntityKind.ORDER_NUMBER, EntityKind.CUSTOMER_CODE, EntityKind.CONTRACT_NUMBER)
)
BLANK = {"customer": "Anna Neri", "person": "Bea", "organisation": "Bottega", "reference": "IT-7K3F2-9Q0XZ"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Può indicarci il numero d'ordine?", (ORDER,)),
        ("Mi indichi il n. ordine, per favore.", (ORDER,)),
        ("Ci serve il suo numero di cliente e una foto del pacco.", (CUSTOMER, ATTACHMENT)),
        (
            "Per aiutarla mi serve ancora:\n\n- il numero d’ordine\n- una copia della fattura\n\nA presto",
            (ORDER, ATTACHMENT),
        ),
        ("Potrebbe comunicarci il numero del contratto?", (CONTRACT,)),
        ("Could you send us your order number and a screenshot?", (ORDER, ATTACHMENT)),
        ("Bitte nennen Sie uns Ihre Kundennummer.", (CUSTOMER,)),
        ("Veuillez indiquer votre numéro de commande. Le numéro de commande commence par 7.", (ORDER,)),
        ("Necesitamos el número de contrato.", (CONTRACT,)),
        ("Il suo ordine numero 7 è partito oggi.", ()),
        ("Le abbiamo spedito la fattura e la ricevuta.", ()),
        ("La prego di attendere: il rimborso arriva entro cinque giorni.", ()),
        ("", ()),
    ],
)
def test_an_answer_asks_for_what_its_requests_name(text: str, kinds: tuple[str, ...]) -> None:
    """A request or a question that names the data; what is told, or only mentioned, is not asked for."""
    assert asked_data(text) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "Abbiamo inoltrato la sua richiesta al reparto competente.",
        "La segnalazione è stata trasmessa all'ufficio resi.",
        "We have forwarded your request to the warehouse.",
        "Ihre Anfrage wurde an die Fachabteilung weitergeleitet.",
        "Nous avons transmis votre demande.",
        "Hemos trasladado su consulta al departamento.",
    ],
)
def test_an_answer_says_that_it_passes_the_matter_on(text: str) -> None:
    """In each language."""
    assert says_passed_on(text)
    assert not says_passed_on("Abbiamo spedito il pacco. We have sent it. Wir haben es verschickt.")


@pytest.mark.parametrize("language", CUSTOMER_LANGUAGES)
def test_the_templates_alone_ask_for_nothing(language: str) -> None:
    """They offer to answer and to attach: what is asked for is what a person writes into them."""
    texts = [one.text for one in templates_for(language, "it", BLANK)]
    assert [(asked_data(text), says_passed_on(text)) for text in texts] == [((), False)] * len(texts)
