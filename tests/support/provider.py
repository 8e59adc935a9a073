"""A small OpenID Connect provider on the loopback: RSA keys, discovery, a token endpoint that checks what it gets.

It shares no code with the desk: tokens are built and signed here with ``cryptography`` alone.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from itaca.clock import Clock
from tests.support.ports import free_port
from tests.support.receiver import Receiver

CLIENT_ID, CLIENT_SECRET = "itaca-desk", "segreto: con due punti"


@dataclass
class Issued:
    """What one code stands for."""

    nonce: str
    challenge: str
    redirect_uri: str
    claims: dict[str, Any]


@dataclass
class Provider(Receiver):
    """One issuer. What it says wrong, a test says: ``claims`` replaces claims, ``sign`` how a token is made."""

    clock: Clock
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    token_answer: tuple[int, dict[str, Any]] | None = None
    sign: Callable[["Provider", dict[str, Any]], str] | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.key, self.key_id = rsa.generate_private_key(65537, 2048), "one"
        self.codes: dict[str, Issued] = {}
        self.asked: list[str] = []
        self.methods = ["client_secret_basic"]
        self.userinfo: dict[str, Any] = {}
        self.visitor: tuple[str, str] | None = None

    @property
    def issuer(self) -> str:
        return self.url.partition("/itaca")[0]

    def known_to_desk(self, host: str = "127.0.0.1") -> dict[str, str]:
        """Return the settings of a desk that people reach by this name and that trusts this provider."""
        port = str(free_port())
        return {
            "ITACA_DESK_PORT": port,
            "ITACA_DESK_PUBLIC_URL": f"http://{host}:{port}",
            "ITACA_DESK_OIDC_ISSUER": self.issuer,
            "ITACA_DESK_OIDC_CLIENT_ID": CLIENT_ID,
            "ITACA_DESK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "ITACA_DESK_OIDC_NAME": "Bottega ID",
        }

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        self.key, self.key_id = rsa.generate_private_key(65537, 2048), "two"

    def consent(self, page: str, subject: str, email: str, **claims: object) -> tuple[str, str]:
        """Be the page on which somebody signs in; return the code and the state it sends the browser back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        assert page.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == (
            "code",
            CLIENT_ID,
            "S256",
        )
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        said = {"sub": subject, "email": email, "email_verified": True, **claims}
        self.codes[code] = Issued(asked["nonce"], asked["code_challenge"], asked["redirect_uri"], said)
        return code, asked["state"]

    def jwt(self, claims: dict[str, Any], alg: str = "RS256", key: rsa.RSAPrivateKey | None = None) -> str:
        """Return a token; ``none`` has no signature."""
        head = {"alg": alg, "kid": self.key_id, "typ": "JWT"}
        signed = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(claims).encode())}"
        if alg == "none":
            return f"{signed}."
        return f"{signed}.{_b64((key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _sent_back(self, path: str) -> str:
        """Return where a browser goes whose visitor is signed in here already."""
        assert self.visitor is not None
        code, state = self.consent(self.issuer + path, *self.visitor)
        return f"{self.codes[code].redirect_uri}?{urlencode({'code': code, 'state': state, 'iss': self.issuer})}"

    def public_keys(self) -> dict[str, Any]:
        """Return what is published of the keys: the one that signs, one for another end, one of a later kind."""
        numbers = self.key.public_key().public_numbers()
        public = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        signs = {**public, "use": "sig", "alg": "RS256", "kid": self.key_id}
        return {"keys": [{**public, "use": "enc", "kid": "enc"}, signs, {"kty": "AKP", "kid": "later"}]}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest if one)}
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        path = line.split()[1]
        self.asked.append(path.partition("?")[0])
        if self.is_silent:
            await asyncio.Event().wait()
        more = ""
        if path.startswith("/authorize?") and self.visitor:
            status, answer, more = 302, {}, f"location: {self._sent_back(path)}\r\n"
        else:
            status, answer = self._answer(path, headers, body)
        text = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}content-length: {len(text)}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + text)
        await writer.drain()

    def _answer(self, path: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, Any]]:
        if self.answers:
            return self.answers.pop(0), {"oops": True}
        if path == "/.well-known/openid-configuration":
            return 200, self._published()
        if path == "/keys":
            return 200, self.public_keys()
        if path == "/userinfo":
            return 200, self.userinfo
        return self.token_answer or self._token(headers, {n: v[0] for n, v in parse_qs(body).items()})

    def _published(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        names |= {"userinfo_endpoint": "userinfo", "end_session_endpoint": "out"}
        published = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        published |= {"issuer": self.issuer, "token_endpoint_auth_methods_supported": self.methods}
        return {**published, **self.metadata}

    def _token(self, headers: dict[str, str], form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self._knows_client(headers, form):
            return 401, {"error": "invalid_client"}
        # A code counts once (RFC 6749, 4.1.2), for who holds the verifier (RFC 7636, 4.6).
        issued = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if issued is None or _b64(digest) != issued.challenge or form.get("redirect_uri") != issued.redirect_uri:
            return 400, {"error": "invalid_grant"}
        now = int(self.clock.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": issued.nonce}
        claims = {name: value for name, value in {**claims, **issued.claims, **self.claims}.items() if value != ""}
        token = (self.sign or Provider.jwt)(self, claims)
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}

    def _knows_client(self, headers: dict[str, str], form: dict[str, str]) -> bool:
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if "authorization" in headers:
            text = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
            name, _, secret = text.partition(":")
            given = (unquote(name), unquote(secret))
        return given == (CLIENT_ID, CLIENT_SECRET)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _b64(value.to_bytes((value.bit_length() + 7) // 8))
