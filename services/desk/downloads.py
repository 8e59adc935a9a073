"""Files leave the desk as downloads that no browser opens by itself, whatever they say they are."""

from urllib.parse import quote

from starlette.responses import Response

SEALED = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""The content policy of a file."""


def download(data: bytes, name: str) -> Response:
    """Return a file under its name (RFC 6266)."""
    headers = {
        "content-disposition": f"attachment; filename=\"file\"; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": SEALED,
    }
    return Response(data, media_type="application/octet-stream", headers=headers)
