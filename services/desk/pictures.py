"""Which files are pictures a browser may show: told by their first bytes, never by their names."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture; None for anything else, SVG included, because SVG may hold a program."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return "image/webp" if is_webp else None
