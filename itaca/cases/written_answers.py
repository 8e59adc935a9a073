"""What a person's answer asks of the customer, and whether it only passes the matter on: read from its words.

Both are noted with the answer when it leaves. They count only where the answer turns out to have been worth nothing:
then they are its cause.
"""

import re
from collections.abc import Mapping

from itaca.mail.model import EntityKind

ATTACHMENT = "attachment"
"""What an answer may ask for beside the kinds of codes that mails carry."""
_MOST_CHARACTERS = 20_000
_ABBREVIATED = re.compile(r"(?<!\w)(n|nr|num|no|cod)\.(?=\s?[a-z])")
_LED_TO = re.compile(r":\s*\n\s*|\n(?=\s{0,9}(?:[-*•–]|\d{1,2}[.)]\s))")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_REQUEST = re.compile(
    r"(?<!\w)(?:"
    r"pu[oò]|potrebbe|(?:ci|mi) (?:indichi|invii|mandi|comunichi|fornisca|dica|dia|faccia avere)|"
    r"(?:ci|mi) (?:serve|servono|occorre|occorrono|manca|mancano)|"
    r"(?:indicar|inviar|mandar|comunicar|fornir|dar)(?:ci|mi)|abbiamo bisogno|ho bisogno|"
    r"la prego|le chied(?:o|iamo)|voglia|(?:resto|restiamo) in attesa|attend(?:o|iamo)|"
    r"could you|can you|would you|please|(?:we|i) (?:still )?need|send (?:us|me)|"
    r"bitte|k[oö]nn(?:t)?en sie|(?:brauche|ben[oö]tige)n?|nennen sie|senden sie|teilen sie|"
    r"pouvez-vous|pourriez-vous|merci de|veuillez|il (?:me|nous) (?:manque|faut)|indiquez|envoyez|"
    r"puede|podr[ií]a|ind[ií]que|env[ií]e|necesit(?:o|amos)|rogamos|por favor|facil[ií]te"
    r")"
)
_OFFER = re.compile(
    r"(?<!\w)(?:rispondere (?:direttamente )?a questo messaggio|reply to this message|antworten sie (?:einfach )?auf|"
    r"r[eé]pondre [aà] ce message|responder a este mensaje|respondiendo a este mensaje)"
)
"""Saying that one may answer asks for nothing."""
_DATA: Mapping[str, re.Pattern[str]] = {
    EntityKind.ORDER_NUMBER.value: re.compile(
        r"(?:numero|n|nr|codice) ?(?:di |d'|dell'|del suo )?ordine|order (?:number|no|id)|"
        r"(?:bestell|auftrags)-?(?:nummer|nr)|num[eé]ro de (?:votre )?commande|n[uú]mero de (?:su )?pedido"
    ),
    EntityKind.CUSTOMER_CODE.value: re.compile(
        r"(?:numero|codice|n|nr) (?:di )?(?:cliente|socio|tessera)|"
        r"(?:customer|account|member(?:ship)?) (?:number|code|id)|"
        r"(?:kunden|mitglieds)-?(?:nummer|nr)|(?:num[eé]ro|code) (?:de )?client|n[uú]mero de (?:cliente|socio)"
    ),
    EntityKind.CONTRACT_NUMBER.value: re.compile(
        r"(?:numero|codice|n|nr) (?:di |del |del suo )?contratto|contract (?:number|no|id)|"
        r"vertrags-?(?:nummer|nr)|num[eé]ro de (?:votre )?contrat|n[uú]mero de (?:su )?contrato"
    ),
    ATTACHMENT: re.compile(
        r"(?<!\w)(?:foto(?:grafi[ae])?|schermat[ae]|scansion[ei]|allegat[oi]|copia|scontrino|ricevuta|fattura|"
        r"photos?|pictures?|screenshots?|attachments?|cop(?:y|ies)|receipt|invoice|"
        r"fotos?|anhang|kopie|beleg|rechnung|pi[eè]ces? jointes?|facture|re[cç]u|justificatif|"
        r"captura|adjuntos?|recibo|factura)(?!\w)"
    ),
}
_PASSED_ON = re.compile(
    r"(?<!\w)(?:"
    r"(?:abbiamo|ho|[eè] stat[oa]|sar[aà]|sono stat[ei]) (?:gi[aà] )?"
    r"(?:inoltrat|girat|trasmess|passat|segnalat|smistat)[oaei](?!\w)|"
    r"(?:have|has|been|was|were) (?:already )?(?:forwarded|referred|escalated|passed)(?!\w)|"
    r"weiter(?:geleitet|gegeben|gereicht)|"
    r"(?:avons|ai|[eé]t[eé]) (?:transmis|transf[eé]r[eé]|fait suivre)|"
    r"(?:hemos|he|ha sido) (?:reenviado|trasladado|remitido|derivado|pasado)[ao]?(?!\w)"
    r")"
)


def asked_data(text: str) -> tuple[str, ...]:
    """Return the kinds of data that the answer asks the customer for: values of ``EntityKind``, or ``attachment``.

    A kind counts where a sentence asks for something and names it.
    """
    asking = [s for s in _sentences(text) if (s.endswith("?") or _REQUEST.search(s)) and not _OFFER.search(s)]
    return tuple(kind for kind, named in _DATA.items() if any(named.search(sentence) for sentence in asking))


def says_passed_on(text: str) -> bool:
    """Say whether the answer tells the customer that somebody else has the matter now."""
    return any(_PASSED_ON.search(sentence) for sentence in _sentences(text))


def _sentences(text: str) -> list[str]:
    """Return the sentences, folded; a list belongs to the sentence that leads to it."""
    folded = _ABBREVIATED.sub(r"\1", text[:_MOST_CHARACTERS].replace("’", "'").casefold())
    found = (" ".join(match[0].split()) for match in _SENTENCE.finditer(_LED_TO.sub(": ", folded)))
    return [sentence for sentence in found if sentence]
