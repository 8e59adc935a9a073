"""What can be wrong with a mail: short fixed codes, their meaning, and which of them may hide a customer's words."""

from collections.abc import Iterator

NOT_DELIVERED = "pec:not_delivered"
_MEANINGS: dict[str, str] = {
    "reading:failed": "the reader met something nobody foresaw; only the raw mail can be shown",
    "charset:unknown": "a charset label means nothing to us; the text was decoded by its looks",
    "charset:mislabelled": "the declared charset does not fit the bytes; another one was taken",
    "charset:detected": "no usable charset label; the charset was guessed",
    "charset:unreadable": "the bytes fit no charset; what was read may be gibberish",
    "charset:replaced": "some bytes could not be decoded and show as replacement characters",
    "header:missing_from": "no From, or none that names an address",
    "header:missing_date": "no Date",
    "header:missing_message_id": "no Message-ID",
    "header:several_from": "more than one From: the writer is not sure",
    "header:several_subjects": "more than one Subject: programs may show another than was judged",
    "header:malformed": "lines in the header that are no header",
    "header:encoded_word": "an encoded word of RFC 2047 is broken",
    "header:parameter": "pieces of a parameter of RFC 2231 are missing or out of order",
    "mime:boundary": "a multipart without its boundary, or with one that never appears",
    "mime:unterminated": "a multipart without its end",
    "mime:epilogue": "text stands after the end of a multipart, where most programs do not show it",
    "mime:ambiguous": "a part says two things about its type or encoding: programs may show another text",
    "mime:encoding": "a transfer encoding that is unknown or broken",
    "mime:encrypted": "the content is encrypted",
    "mime:opaque_signed": "the content is inside a signature that we cannot open",
    "text:none": "the mail holds something, but no text could be read",
    "text:from_attachment": "text stands in an attached file; it was judged with the mail",
    "text:alternatives_differ": "plain text and HTML say different things; both were judged",
    "text:hidden_only": "all text of the mail is styled to be invisible",
    "text:reversed": "characters turn the direction of writing: people see another text than stands there",
    "html:hidden_text": "a sentence of the HTML, or nearly a third of it, is styled to be invisible",
    "html:too_complex": "the HTML is too large or too deep; its tags were stripped without understanding them",
    "tnef:unreadable": "a winmail.dat that could not be opened",
    NOT_DELIVERED: "certified mail reports that a message was not delivered",
    "pec:malformed": "it claims to be certified mail but lacks the message inside",
}
_SERIOUS_LIMITS = frozenset(
    {
        *("raw_bytes", "parts", "depth", "scan_bytes", "text_chars", "forwarded_mails", "tnef_bytes", "judged_bytes"),
        *(
            "subject_chars",
            "encoded_words",
            "header_block_bytes",
            "header_fields",
            "header_bytes",
            "attachments",
            "text_files",
            "parameters",
        ),
    }
)
_SERIOUS = frozenset(
    {
        "reading:failed",
        "charset:replaced",
        "charset:unreadable",
        "header:malformed",
        "header:several_subjects",
        "mime:ambiguous",
        "mime:boundary",
        "mime:epilogue",
        "mime:encoding",
        "mime:encrypted",
        "mime:opaque_signed",
        "text:none",
        "text:from_attachment",
        "text:alternatives_differ",
        "text:hidden_only",
        "text:reversed",
        "html:hidden_text",
        "html:too_complex",
        "tnef:unreadable",
        "pec:malformed",
    }
)


def is_serious(code: str) -> bool:
    """Whether the defect may have hidden words of the writer from the reader, so that a person should look."""
    family, _, name = code.partition(":")
    return name in _SERIOUS_LIMITS if family == "limit" else code in _SERIOUS


def meaning(code: str) -> str:
    """Return the defect in words, for people; a code nobody described is returned as it is."""
    family, _, name = code.partition(":")
    return f"beyond the limit {name}: the rest was not read" if family == "limit" else _MEANINGS.get(code, code)


class Defects:
    """The defects of one mail in the order they were met, each once."""

    def __init__(self) -> None:
        self._codes: dict[str, None] = {}

    def note(self, code: str) -> None:
        """Record a defect; an empty code is none."""
        if code:
            self._codes[code] = None

    def limit(self, name: str) -> None:
        """Record that the bound ``name`` of ``Limits`` was exceeded."""
        self._codes[f"limit:{name}"] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def __contains__(self, code: object) -> bool:
        return code in self._codes
