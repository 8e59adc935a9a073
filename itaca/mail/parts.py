"""Which parts of a mail are its text, which are files, and which are other mails (reliability rules for bodies)."""

import re
from dataclasses import dataclass, field, replace

from itaca.mail.attachments import Attachments
from itaca.mail.charsets import codec_of, decode_text
from itaca.mail.defects import Defects
from itaca.mail.html_text import MAX_HIDDEN_SHARE, MAX_HIDDEN_WORDS, html_to_text
from itaca.mail.limits import Limits
from itaca.mail.structure import Part
from itaca.mail.tnef import CONTENT_TYPES as TNEF_TYPES
from itaca.mail.tnef import TnefContent, read_tnef
from itaca.mail.transfer import split_uuencoded

_PLAIN = frozenset({"text/plain", "text/enriched", "text/richtext", "text/markdown", "text", "message/partial"})
_HTML = frozenset({"text/html", "application/xhtml+xml", "text/x-amp-html", "text/watch-html"})
_ONLY_FIRST_IS_TEXT = frozenset(
    {"multipart/signed", "multipart/report", "multipart/related", "multipart/appledouble"}
)
_NO_CONTENT = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature", "text/x-vcard"}
)
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s{0,5}=\s{0,5}[\"']?([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_SAYS_NO_HTML = re.compile(
    r"html[^.]{0,120}(support|supporta|unterst|charge|visualizz|anzeigen|afficher|mostrar|view|display)"
    r"|(support|supporta|unterst|charge|visualizz|anzeigen|afficher|mostrar|view|display)[^.]{0,120}html",
    re.IGNORECASE,
)
_MAX_BOILERPLATE_CHARS = 400
_TEXT_NAMES = (".txt", ".text", ".md", ".htm", ".html", ".xhtml", ".eml.txt")
_NAMELESS_KINDS = frozenset({"application/octet-stream", "application/x-download", "application/force-download"})


@dataclass(slots=True)
class Context:
    """What a walk through one mail writes to."""

    limits: Limits
    defects: Defects
    files: Attachments
    text_files: list[Part] = field(default_factory=list)
    """Text parts that came as attachments: part of what is judged, as history."""
    unchosen: list["Text"] = field(default_factory=list)
    """Of each multipart/alternative the text that was not taken, in which some programs show the mail."""
    unseen: list[str] = field(default_factory=list)
    """Text of HTML that most readers do not see."""
    enclosed: list[Part] = field(default_factory=list)
    has_opaque: bool = False
    """True when something was there that a person could read and we could not."""

    def without_files(self) -> "Context":
        """Return the same for texts that are read beside the text proper: what is in them is no file of the mail."""
        return replace(self, files=self.files.without_memory())


@dataclass(slots=True)
class Text:
    """One piece of text; decoded, and freed of its tags, only when it is wanted."""

    part: Part
    context: Context
    is_html: bool
    _text: str | None = None
    html_chars: int = 0

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self._read()
        return self._text

    def _read(self) -> str:
        context = self.context
        data = self.part.content(context.defects)
        if not self.is_html:
            data, files = split_uuencoded(data)
            for file in files:
                context.files.add(file.name, "application/octet-stream", file.data)
        content = _decode_part(self.part, data, context)
        self.html_chars = len(content) if self.is_html else 0
        return read_html(content, context) if self.is_html else cut_text(content, context)


def cut_text(text: str, context: Context) -> str:
    """Keep head and tail of a text over the limit."""
    limit = context.limits.text_chars
    if len(text) <= limit:
        return text
    text = text.strip()
    if len(text) <= limit:
        return text
    context.defects.limit("text_chars")
    head = limit * 3 // 4
    return text[:head] + "\n[...]\n" + text[-(limit - head) :]


def read_html(html: str, context: Context) -> str:
    """Return the visible text of HTML and note what was hidden in it."""
    result = html_to_text(html[: 8 * context.limits.html_bytes], context.limits)
    context.defects.note("html:too_complex" if result.is_too_complex else "")
    context.defects.note("text:hidden_only" if result.is_hidden_only else "")
    is_hiding = result.hidden_share > MAX_HIDDEN_SHARE or result.hidden_words > MAX_HIDDEN_WORDS
    context.defects.note("html:hidden_text" if is_hiding else "")
    context.unseen.append(result.unseen)
    return cut_text(result.text, context)


def read_body(part: Part, context: Context) -> list[Text]:
    """Walk the parts in their order; return the pieces of text, put files and enclosed mails into the context."""
    kind = part.content_type
    if kind == "multipart/alternative" and part.children:
        candidates = [read_body(child, context) for child in part.children]
        chosen = _choose(candidates)
        for text in (text for texts in candidates if texts is not chosen for text in texts):
            text.context = context.without_files()
            context.unchosen.append(text)
        return chosen
    if kind == "multipart/encrypted":
        context.defects.note("mime:encrypted")
        context.has_opaque = True
    if kind in _ONLY_FIRST_IS_TEXT and part.children:
        root = _root_of(part)
        texts = read_body(root, context)
        for child in part.children:
            if child is not root:
                _add_files(child, context)
        return texts
    if kind.startswith("multipart/"):
        return _read_mixed(part, context)
    return _read_leaf(part, context)


def text_of_file(part: Part, context: Context) -> str:
    """Return the text of a part that came as a file."""
    is_html = (
        part.content_type in _HTML or _starts_like_html(part) or part.file_name.lower().endswith(_TEXT_NAMES[3:6])
    )
    return Text(part, context, is_html).text


def stray_text(part: Part, context: Context) -> str:
    """Return what stands before and after the parts of a multipart, where no program shows it."""
    pieces = [decode_text(part.buffer[start:end][: context.limits.text_chars]).text for start, end in part.stray]
    return "\n".join(piece for piece in pieces if piece.strip())


def _read_mixed(part: Part, context: Context) -> list[Text]:
    if not part.children:
        return [Text(part, context, is_html=False)]
    texts: list[Text] = []
    for child in part.children:
        is_late_file = bool(texts) and bool(child.file_name) and not child.content_type.startswith("multipart/")
        if is_late_file and not child.is_enclosed_mail and child.content_type not in TNEF_TYPES:
            _add_files(child, context)
        else:
            texts += read_body(child, context)
    return texts


def _root_of(part: Part) -> Part:
    """The part of a multipart/related that the others belong to (RFC 2387, 3.2); otherwise the first."""
    start = part.parameters.get("start", "").strip("<>")
    if part.content_type == "multipart/related" and start:
        for child in part.children:
            if child.headers.text("content-id").strip("<>") == start:
                return child
    return part.children[0]


def _choose(candidates: list[list[Text]]) -> list[Text]:
    """Choose the text of a multipart/alternative: the plain one, unless it is empty, a stub, or an excuse."""
    filled = [texts for texts in candidates if texts]
    plain = next((texts for texts in filled if not any(t.is_html for t in texts)), None)
    html = next((texts for texts in filled if any(t.is_html for t in texts)), None)
    if plain is None or html is None:
        return plain or html or []
    written = "".join(t.text for t in plain).strip()
    if len(written) < _MAX_BOILERPLATE_CHARS and _SAYS_NO_HTML.search(written):
        return html if any(t.text.strip() for t in html) else plain
    source_bytes = sum(t.part.end - t.part.start for t in html)
    if written and len(written) * 10 >= source_bytes:
        return plain
    shown = sum(len(t.text.strip()) for t in html)
    return plain if written and len(written) * 10 >= shown else html


def _read_leaf(part: Part, context: Context) -> list[Text]:
    kind = part.content_type
    if part.is_enclosed_mail:
        _add_files(part, context)
        return []
    if kind in TNEF_TYPES or part.file_name.lower() == "winmail.dat":
        return _read_tnef_part(part, context)
    if (kind in _PLAIN or kind in _HTML) and part.disposition != "attachment":
        return [Text(part, context, kind in _HTML or _starts_like_html(part))]
    _add_files(part, context)
    return []


def _starts_like_html(part: Part) -> bool:
    head = part.buffer[part.start : min(part.end, part.start + 200)].lstrip()[:15].lower()
    return head.startswith((b"<!doctype html", b"<html"))


def _read_tnef_part(part: Part, context: Context) -> list[Text]:
    data = part.content(context.defects)
    content: TnefContent | None = None
    if len(data) > context.limits.tnef_bytes:
        context.defects.limit("tnef_bytes")
    else:
        content = read_tnef(data, context.limits)
    if content is None or not (content.files or content.text.strip() or content.html.strip()):
        context.defects.note("tnef:unreadable")
        context.has_opaque = True
        context.files.add(part.file_name or "winmail.dat", part.content_type, data)
        return []
    for name, inner in content.files:
        context.files.add(name, "application/octet-stream", inner)
    text = content.text if content.text.strip() else read_html(content.html, context) if content.html else ""
    return [Text(part, context, False, cut_text(text, context))] if text.strip() else []


def _add_files(part: Part, context: Context) -> None:
    """List a part, and all leaves below it, as files."""
    if part.content_type.startswith("multipart/") and part.children:
        for child in part.children:
            _add_files(child, context)
        return
    if part.is_enclosed_mail:
        context.enclosed.append(part)
    elif _is_text_file(part):
        context.text_files.append(part)
    if not context.files.is_listing:
        return
    data = part.content(context.defects)
    name = part.file_name
    if part.is_enclosed_mail and part.children:
        subject = part.children[0].headers.text("subject")
        name = name or (f"{subject}.eml" if subject else "")
    context.files.add(name, part.content_type, data)
    _note_readability(part, data, context)
    for child in part.children:
        _add_inner_files(child, context)


def _add_inner_files(part: Part, context: Context) -> None:
    """List the files inside an enclosed mail; its texts are part of that mail, not files of their own."""
    for child in part.children:
        _add_inner_files(child, context)
    is_text = part.content_type.startswith("text/") and part.disposition != "attachment" and not part.file_name
    if not part.children and not is_text:
        context.files.add(part.file_name, part.content_type, part.content(context.defects))


def _note_readability(part: Part, data: bytes, context: Context) -> None:
    kind = part.content_type
    if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        is_signed = "signed" in part.parameters.get("smime-type", "signed-data")
        context.defects.note("mime:opaque_signed" if is_signed else "mime:encrypted")
    if kind not in _NO_CONTENT and not _is_text_file(part) and data:
        context.has_opaque = True


def _is_text_file(part: Part) -> bool:
    """Whether a file holds text that people write, by its type or, where that says nothing, by its name."""
    kind = part.content_type
    is_named_so = kind in _NAMELESS_KINDS and part.file_name.lower().endswith(_TEXT_NAMES)
    return is_named_so or (kind.startswith("text/") and kind not in _NO_CONTENT)


def _decode_part(part: Part, data: bytes, context: Context) -> str:
    label = part.parameters.get("charset", "")
    if not codec_of(label) and part.content_type in _HTML and (meta := _META_CHARSET.search(data, 0, 4_096)):
        label = meta[1].decode("ascii")
    decoded = decode_text(data, label)
    context.defects.note(decoded.defect)
    return decoded.text
