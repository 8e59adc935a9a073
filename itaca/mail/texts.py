"""New text and history of one mail: its own pieces, the mails enclosed in it, and what is left when it has none."""

from dataclasses import dataclass

from itaca.mail.other_texts import other_texts
from itaca.mail.parts import Context, Text, cut_text, read_body, stray_text, text_of_file
from itaca.mail.quotes import split_quotes
from itaca.mail.structure import Part

_MAX_FALLBACK_FILES = 3


@dataclass(frozen=True, slots=True)
class ReadText:
    """The text of a mail; ``is_readable`` is False when it holds something but no text could be read."""

    new_text: str
    quoted_text: str
    is_html_only: bool
    is_readable: bool


def read_text(mail: Part, context: Context, is_history_wanted: bool) -> ReadText:
    """Read the text of a mail and list its files in the context.

    Args:
        mail: the mail itself, or the one inside a certified envelope.
        context: receives files and defects.
        is_history_wanted: whether mails enclosed in this one are read as its history; not for reports and
            receipts, which enclose what we sent ourselves.
    """
    pieces = read_body(mail, context)
    written = "\n".join(text for piece in pieces if (text := piece.text).strip()).strip("\n")
    _note_strays(mail, context)
    split = split_quotes(cut_text(written, context))
    history = [split.quoted_text] if split.quoted_text.strip() else []
    if is_history_wanted:
        history += _enclosed_texts(context)
    if not split.new_text.strip() and not history:
        new_text = _fallback_text(mail, context)
    else:
        new_text = split.new_text
        history += other_texts(written, context) if is_history_wanted else []
    quoted_text = cut_text("\n\n".join(history), context)
    has_text = bool(new_text.strip() or quoted_text.strip())
    is_html_only = bool(pieces) and all(piece.is_html for piece in pieces)
    is_readable = has_text or not _holds_something(pieces, context)
    context.defects.note("" if is_readable else "text:none")
    return ReadText(new_text.strip("\n"), quoted_text, is_html_only, is_readable)


def _note_strays(mail: Part, context: Context) -> None:
    """Text after the end of the parts is shown by no program, and was written for some reason."""
    if len(mail.stray) > 1 and mail.children:
        start, end = mail.stray[-1]
        if mail.buffer[start:end].strip():
            context.defects.note("mime:epilogue")


def _enclosed_texts(context: Context) -> list[str]:
    """Read forwarded mails as history: who, when, what about, then their text; deeper ones follow in their turn."""
    texts: list[str] = []
    waiting = list(context.enclosed)
    context.enclosed.clear()
    while waiting:
        if len(texts) >= context.limits.forwarded_mails:
            context.defects.limit("forwarded_mails")
            break
        enclosed = waiting.pop(0)
        if not enclosed.children:
            continue
        inner = enclosed.children[0]
        inner_context = Context(context.limits, context.defects, context.files.without_memory())
        body = "\n".join(piece.text for piece in read_body(inner, inner_context)).strip("\n")
        waiting.extend(inner_context.enclosed)
        texts.append("\n\n".join(filter(None, (_heading(inner), body, *other_texts(body, inner_context)))))
    return texts


def _heading(mail: Part) -> str:
    headers = mail.headers
    fields = ((name, headers.text(name.lower())[:500]) for name in ("From", "Date", "To", "Subject"))
    return "\n".join(f"{name}: {value}" for name, value in fields if value)


def _fallback_text(mail: Part, context: Context) -> str:
    """A mail without text of its own: its text attachments, else what stands between and around its parts."""
    for part in context.text_files[:_MAX_FALLBACK_FILES]:
        text = text_of_file(part, context)
        if text.strip():
            context.defects.note("text:from_attachment")
            return text
    return cut_text(stray_text(mail, context), context) if mail.stray else ""


def _holds_something(pieces: list[Text], context: Context) -> bool:
    return context.has_opaque or any(piece.part.buffer[piece.part.start : piece.part.end].strip() for piece in pieces)
