"""Mail made to exhaust a parser in time or memory; each is built only when it is asked for."""

import base64
import functools
import io
import struct
import zipfile
from collections.abc import Callable

_HEADER = b"From: a@example.org\nTo: info@shop.example\nSubject: x\n"
_MULTIPART = _HEADER + b'Content-Type: multipart/mixed; boundary="b"\n\n'
_HTML = _HEADER + b"Content-Type: text/html; charset=utf-8\n\n"
_MIB = 1024 * 1024


def nested(depth: int) -> bytes:
    """Return multiparts inside each other, and a complaint in the innermost."""
    pieces = [b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)]
    return _HEADER + b"".join(pieces) + b"Content-Type: text/plain\n\nreclamo\n"


@functools.cache
def zip_bomb() -> bytes:
    """Return a few kilobytes that would be 64 MiB for whoever opened it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as zeros:
        for _ in range(64):
            zeros.write(bytes(_MIB))
    return packed.getvalue()


def with_file(data: bytes, kind: str = "application/zip", name: str = "prova.zip", text: str = "") -> bytes:
    """Return a mail with one attachment, and a text if one is given."""
    body = b"--b\nContent-Type: text/plain\n\n" + text.encode() + b"\n" if text else b""
    part = f'--b\nContent-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n\n'.encode()
    return _MULTIPART + body + part + base64.encodebytes(data) + b"--b--\n"


def _winmail(objects: bytes) -> bytes:
    return with_file(struct.pack("<IH", 0x223E9F78, 1) + objects, "application/ms-tnef", "winmail.dat")


BOMBS: dict[str, Callable[[], bytes]] = {
    "100,000 headers": lambda: b"".join(b"X-%d: y\n" % n for n in range(100_000)) + _HEADER + b"\nreclamo",
    "a header of 2 MB": lambda: b"Subject: " + b"a" * 2_000_000 + b"\n" + _HEADER + b"\nreclamo",
    "a header folded 50,000 times": lambda: b"Subject: x" + b"\n a" * 50_000 + b"\n" + _HEADER + b"\nreclamo",
    "10,000 addresses": lambda: (
        b"To: " + b", ".join(b"u%d@x.it" % n for n in range(10_000)) + b"\n" + _HEADER + b"\nreclamo"
    ),
    "nested comments": lambda: b"From: " + b"(" * 50_000 + b"\n\nreclamo",
    "1,000 parts": lambda: _MULTIPART + b"--b\n\nreclamo\n" * 1_001,
    "10,000 parts": lambda: _MULTIPART + b"--b\n\nreclamo\n" * 10_000,
    "2,000,000 boundaries": lambda: _MULTIPART + b"--b\n" * 2_000_000,
    "a boundary of one dash": lambda: (
        _HEADER + b'Content-Type: multipart/mixed; boundary="-"\n\n' + b"---" * 3_000_000
    ),
    "20 MB of empty lines": lambda: _HEADER + b"\n" + b"\n" * 20_000_000 + b"reclamo",
    "20 MB without a line break": lambda: b"a" * 20_000_000,
    "one line of 30 MB": lambda: _HEADER + b"\nreclamo " + b"a " * 15_000_000,
    "30 MB of base64 in one line": lambda: (
        _HEADER + b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"reclamo " + b"ab " * 7_500_000)
    ),
    "multipart nested 20,000 deep": lambda: nested(20_000),
    "message/rfc822 20,000 deep": lambda: _HEADER + b"Content-Type: message/rfc822\n\n" * 20_000 + b"reclamo",
    "20 MB, 49 deep": lambda: nested(49) + b"x\n" * 10_000_000,
    "5,000 encoded words": lambda: b"Subject: " + b"=?utf-8?Q?a?= " * 5_000 + b"\n\nreclamo",
    "unterminated encoded words": lambda: b"Subject: " + b"=?a?Q?" * 16_000 + b"\n\nreclamo",
    "16,000 parameters": lambda: b"Content-Type: text/plain" + b'; a="' * 16_000 + b"\n\nreclamo",
    "3,000,000 paddings": lambda: (
        _HEADER + b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"QQ==" * 3_000_000
    ),
    "500,000 uuencode beginnings": lambda: _HEADER + b"\n" + b"begin 644 x\n" * 500_000 + b"end\n",
    "NUL": lambda: b"\x00" * 5_000_000,
    "5 MB of combining marks": lambda: _HEADER + b"\n" + "\u0315\u0300".encode() * 1_200_000,
    "HTML of open tags": lambda: _HTML + b"<a " * 170_000 + b"reclamo",
    "HTML 100,000 deep": lambda: _HTML + b"<div>" * 100_000 + b"reclamo",
    "HTML of open declarations": lambda: _HTML + b"<![" * 100_000 + b"reclamo",
    "HTML of open comments": lambda: _HTML + b"<!--" * 100_000 + b"reclamo",
    "HTML with a tag of 30,000 attributes": lambda: (
        _HTML + b"<a " + b"".join(b'x%d="" ' % n for n in range(30_000)) + b">reclamo"
    ),
    "30 MB of HTML": lambda: _HTML + b"<p>reclamo</p>\n" * 2_000_000,
    "winmail.dat of 100,000 files": lambda: _winmail(struct.pack("<BHHI2x", 2, 0x9002, 6, 0) * 100_000),
    "winmail.dat of 4,000,000 properties": lambda: _winmail(
        struct.pack("<BHHII", 1, 0x9003, 6, 4_000_000, 4_000_000) + struct.pack("<HHI", 3, 0x1000, 5) * 400_000
    ),
    "a zip bomb": lambda: with_file(zip_bomb()),
}
"""By name. All of them hold something that is not read, or end in a text that is."""

READ_WHOLE = frozenset({"nested comments", "20 MB of empty lines"})
"""Those whose text is read to its end."""
