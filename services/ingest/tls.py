"""The certificate of the SMTP door: proved at start by a handshake with itself, so that a bad one never serves."""

import ssl
from pathlib import Path

from itaca.errors import PermanentError

_EXPIRED, _NOT_YET_VALID = 10, 9


def load_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the server's context (TLS 1.2 or later).

    Raises:
        PermanentError: a file cannot be read, the key is another one's, or the certificate is out of its time;
            the text says which.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise PermanentError("the key does not belong to the certificate") from error
        raise PermanentError(f"not a certificate and key in PEM ({error.reason or 'unreadable'})") from error
    except OSError as error:
        raise PermanentError(f"cannot be read ({error.strerror})") from error
    _prove(context, certificate)
    return context


def _prove(server: ssl.SSLContext, certificate: Path) -> None:
    """Shake hands in memory with a client that trusts this certificate alone, which checks its dates."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cafile=certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True))
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                raise PermanentError(_sentence(error.verify_code, error.verify_message)) from error
            except ssl.SSLError as error:
                raise PermanentError(f"no handshake is possible ({error.reason})") from error


def _sentence(code: int, message: str) -> str:
    if code == _EXPIRED:
        return "the certificate has expired"
    if code == _NOT_YET_VALID:
        return "the certificate is not valid yet"
    return f"the certificate cannot be used ({message})"
