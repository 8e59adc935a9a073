"""How mail programs announce what they quote: attribution lines, header blocks and separators, by language.

Every rule needs two things that people rarely write together: a date, an address or a quotation that follows, and
the verb or the words of a header. A bare "ha scritto" in somebody's complaint is none of them.
"""

import re

MAX_ATTRIBUTION_CHARS = 300

_VERBS = (
    r"(?:ha|hanno|avete|aveva)\s+scritto|scrive|wrote|writes|schrieb(?:en)?|geschrieben|(?:a|avez|ont)\s+écrit"
    r"|(?:a|ha)\s+escrit|escribi[óo]|ha\s+escrito|escreveu|skrev|schreef|heeft\s.{0,120}geschreven|kirjoitti"
    r"|napisał(?:a|\(a\))?|napsal|пиш(?:ет|е)|написал[аи]?|пише|написав|ha\s+inviato|写道|kom\s+med\s+följande"
)
_MONTHS = (
    "gen febbr?|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic|jan|may|jun|jul|aug|sep|oct|dec|mär|mrz|mai|okt|dez"
    "|janv|févr|fév|avr|juin|juil|août|sept|déc|ene|abr|maj|fev|окт|нояб|дек|янв|февр|марта|апр|мая|июн|июл|авг|сент"
).replace(" ", "|")
_DAYS = (
    "lun|mar|mer|gio|ven|sab|dom|mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|jeu|mié|mie|jue|vie|sáb|seg|ter"
    "|qua|qui|sex|lør|søn|tor|tir|ons|man|fre|ieri|yesterday|gestern|hier|ayer"
)
_DATE = re.compile(
    r"\d{1,4}[./-]\d{1,2}(?:[./-]\d{2,4})?\b|\b\d{1,2}[:.h]\d{2}\b|\d年|\d\D{0,6}\b(?:" + _MONTHS + r")"
    r"|\b(?:" + _MONTHS + r")\w*\.?\s+\d|\b(?:" + _DAYS + r")\b[.,]?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s@<>(]{1,64}@[^\s@<>)]{1,255}")
_LEAD = re.compile(
    r"(?:il|l['’]|in data|on|am|le|el|op|em|den|d\.|dnia|w dniu|pe|ma|ti|ke|to|la|su|\d{1,4}[./-]\d|\d{1,2}:\d\d|在"
    r"|\d{1,2}\.?\s+\w{3,10}\.?\s+\d{4}|(?:" + _DAYS + r")\w{0,10}[ .,])(?:[\s\d]|\b)",
    re.IGNORECASE,
)
_ENDS_WITH_VERB = re.compile(
    r"(?:"
    + _VERBS
    + r")(?:[\s,.]{1,3}(?:(?:il|lo|on|am|le|el|de|di|del|um|alle|ore|at|à|a las)\s)?.{0,60})?\s*[:：]$",
    re.IGNORECASE,
)
_ENDS_WITH_ADDRESS = re.compile(r"[<(\[]\s?[^\s@<>()]{1,64}@[^\s@<>()]{1,255}[>)\]]\s*[:：]$")
_NAMED = re.compile(r"[^<>\n]{1,100}<[^\s@<>]{1,64}@[^\s@<>]{1,255}>\s")
_SOMEBODY_TO_SOMEBODY = re.compile(
    r"\b(?:mi|ci|vi|ti|gli|le|io|ho|abbiamo|avevo|che|m['’]|me|nous|vous|mir|uns|ich|wir|Sie|you|I|we|nos|te|yo)\s+"
    r"(?:ha |hanno |avete |aveva |a |have |had |avez )?(?:" + _VERBS + r")",
)
_SEPARATOR_WORDS = (
    r"messaggio (?:originale|inoltrato|girato)|on\b.{1,160}\bwrote:?|inoltrato da\b.{0,120}"
    r"|original message|original appointment"
    r"|original e-?mail|forwarded message|forwarded by\b.{0,120}|urspr[üu]ngliche (?:nachricht|e-?mail)"
    r"|weitergeleitete (?:nachricht|e-?mail)|originalnachricht|message (?:d['’]origine|original|transf[ée]r[ée])"
    r"|courriel original|mensaje (?:original|reenviado)|mensagem (?:original|encaminhada)"
    r"|oprindelig (?:besked|meddelelse)"
    r"|opprinnelig melding|ursprungligt meddelande|oorspronkelijk bericht|doorgestuurd bericht|alkuperäinen viesti"
    r"|исходное сообщение|пересылаемое сообщение|wiadomość oryginalna|reply (?:message|above this line)"
)
_SEPARATOR = re.compile(
    r"^[\s*_=#]{0,10}(?:[-–—_=*]{2,}|[(\[])[\s>]{0,4}(?:" + _SEPARATOR_WORDS + r")\s{0,4}[-–—_=*)\]]*[\s*_:]{0,6}$",
    re.IGNORECASE,
)
_PLAIN_SEPARATOR = re.compile(
    r"^\s{0,10}(?:inizio (?:del )?messaggio inoltrato|begin forwarded message"
    r"|anfang der weitergeleiteten (?:nachricht|e-?mail)"
    r"|début du message (?:réexpédié|transféré)|inicio del mensaje reenviado"
    r"|von meinem .{1,20} weitergeleitet)\s{0,4}:\s{0,4}$",
    re.IGNORECASE,
)

_HEADER_WORDS: dict[str, str] = {
    "from": "da mittente from von de expéditeur remitente fra från van od от lähettäjä від desde",
    "sent": "inviato data inviata sent date gesendet datum envoyé enviado fecha enviada sendt skickat verzonden "
    "wysłano dato дата отправлено lähetetty päivämäärä päiväys",
    "to": "a per to an à para pour til till aan do кому komu vastaanottaja destinatario destinataire p empfänger",
    "subject": "oggetto subject betreff objet asunto assunto emne ämne onderwerp temat тема aihe re",
    "other": "cc ccn bcc risposta reply-to importanza priorità importance wichtigkeit kopie copie copia kopi "
    "allegati attachments anlagen",
}
_PHRASES = {
    "inviato il": "sent",
    "data invio": "sent",
    "message du": "sent",
    "messaggio del": "sent",
    "envoyé le": "sent",
    "date d'envoi": "sent",
    "enviado el": "sent",
    "enviado em": "sent",
    "enviada em": "sent",
    "gesendet am": "sent",
    "sent at": "sent",
    "rispondi a": "other",
    "reply to": "other",
}
_KINDS = {word: kind for kind, words in _HEADER_WORDS.items() for word in words.split()} | _PHRASES


def header_kind(line: str) -> str:
    """Return ``from``, ``sent``, ``to``, ``subject`` or ``other`` for a header line, else ``""``."""
    name, colon, _ = line[:60].partition(":")
    return _KINDS.get(name.strip(" \t*_|>\xa0").casefold(), "") if colon else ""


def is_separator(line: str) -> bool:
    """Whether a line is the rule that programs draw above an original or forwarded message."""
    if len(line) > MAX_ATTRIBUTION_CHARS:
        return False
    return bool(_SEPARATOR.match(line) or _PLAIN_SEPARATOR.match(line))


def starts_attribution(line: str) -> bool:
    """Whether a line may begin an attribution that goes on in the next lines."""
    start = line.lstrip(" \t*_")
    return _LEAD.match(start) is not None or _NAMED.match(start) is not None


def is_attribution(text: str, is_before_quote: bool) -> bool:
    """Whether a text of one line (joined, if it was wrapped) says who wrote what follows, and when.

    Args:
        text: the line, without a leading quote mark.
        is_before_quote: the next line with text begins with ``>``.
    """
    line = text.strip(" \t*_\xa0")
    if len(line) > MAX_ATTRIBUTION_CHARS or _SOMEBODY_TO_SOMEBODY.search(line):
        return False
    has_date = _DATE.search(line) is not None
    has_address = _ADDRESS.search(line) is not None
    verb = _ENDS_WITH_VERB.search(line)
    if verb:
        is_dated = has_date and (starts_attribution(line) or _DATE.search(verb.group()) is not None)
        return is_dated or has_address or (is_before_quote and len(line) < 100)
    return has_date and starts_attribution(line) and _ENDS_WITH_ADDRESS.search(line) is not None
