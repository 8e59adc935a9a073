"""How much of one mail is read: every bound of the reader stands here, and nowhere else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on time and memory for one mail; the defaults hold for mail that people write.

    A mail beyond a bound is still accepted and kept whole. What is left unread is noted on the mail as the
    defect ``limit:<field of this class>``; ``limit:judged_bytes`` says that the text is longer than what an event
    may carry to the classifier (``MAX_TEXT_BYTES``).
    """

    raw_bytes: int = 50 * 1024 * 1024
    header_block_bytes: int = 256 * 1024
    header_fields: int = 1_000
    header_bytes: int = 100_000
    """One header field; Postfix cuts at the same size (``header_size_limit`` is 102,400)."""
    subject_chars: int = 2_000
    encoded_words: int = 200
    """RFC 2047 words decoded in one header field."""
    addresses: int = 100
    """Addresses evaluated in one header field."""
    message_ids: int = 100
    """Message-IDs kept of References: the first and the newest."""
    parameters: int = 1_000
    parts: int = 1_000
    depth: int = 50
    scan_bytes: int = 256 * 1024 * 1024
    """Bytes searched for boundaries at all depths together: deep nesting of a large mail costs depth times size."""
    attachments: int = 200
    name_bytes: int = 180
    html_bytes: int = 512 * 1024
    html_tags: int = 20_000
    html_depth: int = 256
    html_tag_attributes: int = 2_000
    """Attributes of one tag: libxml2 compares each with all before it."""
    tnef_bytes: int = 20 * 1024 * 1024
    tnef_objects: int = 10_000
    """Objects and properties in one winmail.dat; mail programs write a few hundred."""
    text_chars: int = 256_000
    """Text kept of one mail, three quarters of it from the head and the rest from the tail."""
    text_files: int = 20
    """Attached text and HTML files whose text is read as history."""
    forwarded_mails: int = 20
    """Enclosed mails whose text is read as history."""
    entity_chars: int = 20_000
    entities: int = 50
    detection_bytes: int = 4_096
    """Bytes shown to the charset detector."""


DEFAULT_LIMITS = Limits()
