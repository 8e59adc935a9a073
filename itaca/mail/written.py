"""The view of a mail that travels to the classifier: normalised, bounded, with facts as flags."""

from itaca.contracts.events import MAX_TEXT_BYTES, WrittenText
from itaca.mail.addresses import domain_of
from itaca.mail.model import AutomaticKind, CertifiedKind, MailText
from itaca.mail.normalise import MAX_INVISIBLE_SHARE, Normalised, normalise

_MAX_SUBJECT_BYTES = 2 * 1024
_TAIL_SHARE = 4
"""One quarter of a cut text is its tail: 48 KiB of head and 16 KiB of tail."""
_MIN_QUOTED_BYTES = 8 * 1024
_MAX_NAMES_BYTES = 4 * 1024
_MAX_RECIPIENTS = 20
_MAX_LOCAL_CHARS = 64
_MAX_FLAGS = 40
_CUT_MARK = "\n[...]\n"
_PRE_CUT_CHARS = 2 * MAX_TEXT_BYTES
_MAX_GROWTH = 12
"""NFKC makes at most 33 bytes of 3."""
_ESCAPED = ('"', "\\", "\n", "\t")


def written_text(mail: MailText) -> WrittenText:
    """Return what the classifier may see of a mail. Total.

    Subject and texts together take at most ``MAX_TEXT_BYTES`` in the JSON of an event, so that no text can make
    its event too large. When the texts are longer the new text comes first; of each, head and tail are kept.
    Offsets of evidence spans refer to the strings returned here.
    """
    subject, new, quoted = (normalise(_pre_cut(t)) for t in (mail.subject, mail.new_text, mail.quoted_text))
    short_subject = _cut(subject.text, _MAX_SUBJECT_BYTES)
    room = MAX_TEXT_BYTES - encoded_bytes(short_subject)
    quoted_need = encoded_bytes(quoted.text)
    new_cut = _cut(new.text, room - min(quoted_need, _MIN_QUOTED_BYTES))
    quoted_cut = _cut(quoted.text, room - encoded_bytes(new_cut))
    is_cut = len(mail.new_text) + len(mail.quoted_text) > _PRE_CUT_CHARS
    return WrittenText(
        subject=short_subject,
        new_text=new_cut,
        quoted_text=quoted_cut,
        language=mail.language,
        sender_domain=domain_of(mail.sender),
        recipients=_local_parts(mail),
        flags=_flags(mail, (subject, new, quoted)),
        attachment_names=_names(mail),
        is_truncated=is_cut or (short_subject, new_cut, quoted_cut) != (subject.text, new.text, quoted.text),
    )


def exceeds_event(*texts: str) -> bool:
    """Say whether these texts are more than an event carries, so that something of the mail will not be judged."""
    used = sum(map(encoded_bytes, texts))
    if used * _MAX_GROWTH <= MAX_TEXT_BYTES:
        return False
    return used > MAX_TEXT_BYTES or sum(encoded_bytes(normalise(text).text) for text in texts) > MAX_TEXT_BYTES


def encoded_bytes(text: str) -> int:
    """Return the bytes a text takes inside a JSON string of UTF-8."""
    return len(text.encode("utf-8", "replace")) + sum(map(text.count, _ESCAPED))


def _pre_cut(text: str) -> str:
    """Bound the work of normalising; what is dropped here lies far inside what would be cut below."""
    if len(text) <= _PRE_CUT_CHARS:
        return text
    return text[: _PRE_CUT_CHARS // 2] + _CUT_MARK + text[-_PRE_CUT_CHARS // 2 :]


def _cut(text: str, room_bytes: int) -> str:
    """Keep head and tail of a text so that it takes at most ``room_bytes``."""
    if encoded_bytes(text) <= room_bytes:
        return text
    room = room_bytes - encoded_bytes(_CUT_MARK)
    if room <= 0:
        return ""
    tail_room = room // _TAIL_SHARE
    return _prefix(text, room - tail_room) + _CUT_MARK + _prefix(text[::-1], tail_room)[::-1]


def _prefix(text: str, room_bytes: int) -> str:
    """Return the longest prefix that fits, found by halving."""
    low, high = 0, min(len(text), room_bytes)
    while low < high:
        middle = (low + high + 1) // 2
        if encoded_bytes(text[:middle]) <= room_bytes:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _flags(mail: MailText, texts: tuple[Normalised, ...]) -> tuple[str, ...]:
    flags: list[str] = []
    if mail.automatic is not AutomaticKind.NONE:
        flags.append(f"automatic:{mail.automatic.value}")
    if mail.certified is not CertifiedKind.NONE:
        flags.append(f"certified:{mail.certified.value}")
    if mail.is_html_only:
        flags.append("html_only")
    if any(text.invisible_share > MAX_INVISIBLE_SHARE for text in texts):
        flags.append("text:invisible")
    if any(text.has_lookalikes for text in texts):
        flags.append("text:lookalikes")
    if not mail.is_readable:
        flags.append("unreadable")
    flags += [f"defect:{code}" for code in mail.defects]
    return tuple(flags[:_MAX_FLAGS])


def _local_parts(mail: MailText) -> tuple[str, ...]:
    locals_ = (address.rpartition("@")[0][:_MAX_LOCAL_CHARS] for address in (*mail.recipients, *mail.cc))
    return tuple(dict.fromkeys(local for local in locals_ if local))[:_MAX_RECIPIENTS]


def _names(mail: MailText) -> tuple[str, ...]:
    kept: list[str] = []
    room = _MAX_NAMES_BYTES
    for attachment in mail.attachments:
        name = normalise(attachment.name).text
        room -= encoded_bytes(name) + 3
        if room < 0:
            break
        kept.append(name)
    return tuple(kept)
