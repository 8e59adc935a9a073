"""One SMTP conversation: aiosmtpd's commands, with the DATA phase, the greeting and the login of our own.

In:     one client's commands; pipelined or one by one, over TLS after STARTTLS if configured.
Out:    each mail handed to ``Acceptance``, whose reply is said when the mail is committed.
Fails:  see ``conversation``.
"""

import re
from collections.abc import Sequence
from typing import Any

import structlog
from aiosmtpd.smtp import AuthResult, LoginPassword, syntax

from itaca.mail.model import Envelope
from services.ingest.conversation import Conversation
from services.ingest.data import DataReader, DataWatch, EndlessError
from services.ingest.limits import Lease
from services.ingest.replies import CLOSING, NO_WEB_SERVER, TOO_SLOW, RefusedError, reason_of

log = structlog.get_logger()
_PLAIN_ADDRESS = re.compile(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+)>(?:[ \t]+(.*))?\Z", re.DOTALL)
_SIZE = re.compile(r"[0-9]{1,20}")


class SmtpSession(Conversation):
    """One SMTP client (RFC 5321)."""

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname: str | None) -> None:  # noqa: N802
        if not hostname:
            await self.push("501 5.5.4 Syntax: HELO hostname")
            return
        self._set_rset_state()
        self.session.extended_smtp = False
        self.session.host_name = hostname
        # RFC 2034, 3: this reply alone carries no enhanced code.
        self._writer.write(f"250 {self.hostname}\r\n".encode())
        await self._writer.drain()

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str | None) -> None:  # noqa: N802
        if not hostname:
            await self.push("501 5.5.4 Syntax: EHLO hostname")
            return
        self._set_rset_state()
        self.session.extended_smtp = True
        self.session.host_name = hostname
        self.command_size_limits["MAIL"] = self.command_size_limit + 36
        offers = ["PIPELINING", f"SIZE {self._rules.size_limit_bytes}", "8BITMIME", "SMTPUTF8"]
        if self.tls_context and not self._tls_protocol:
            offers.append("STARTTLS")
        if self._rules.users is not None and self._tls_protocol:
            offers.append("AUTH LOGIN PLAIN")
        lines = [self.hostname, *offers]
        text = "".join(f"250-{line}\r\n" for line in lines) + "250 ENHANCEDSTATUSCODES\r\n"
        self._writer.write(text.encode())
        await self._writer.drain()

    @syntax("VRFY <address>")
    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        """Neither confirm nor deny, and repeat nothing of the client's."""
        await self.push("252 2.5.0 Send a mail and see" if arg else "501 5.5.4 Syntax: VRFY <address>")

    @syntax("HELP [command]")
    async def smtp_HELP(self, arg: str | None) -> None:  # noqa: N802
        await self.push("214 2.0.0 See RFC 5321")

    async def smtp_GET(self, arg: str | None) -> None:  # noqa: N802
        """Send a web client away at its first line: the lines after it may be commands that a page chose."""
        await self.push(NO_WEB_SERVER)

    smtp_POST = smtp_PUT = smtp_HEAD = smtp_OPTIONS = smtp_CONNECT = smtp_GET  # noqa: N815

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        if self._rules.users is None:
            await self.push("502 5.5.1 AUTH is not offered")
            return
        await super().smtp_AUTH(arg)

    async def auth_PLAIN(self, _: Any, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._verified(await super().auth_PLAIN(_, args))

    async def auth_LOGIN(self, _: Any, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._verified(await super().auth_LOGIN(_, args))

    def _authenticate(self, mechanism: str, auth_data: Any) -> AuthResult:
        """Say no to whatever aiosmtpd decoded; ``_verified`` alone may turn it into a yes, off the event loop."""
        return AuthResult(success=False, handled=False, auth_data=auth_data)

    async def _verified(self, claimed: AuthResult) -> AuthResult:
        login = claimed.auth_data
        if claimed.handled or self._rules.users is None or not isinstance(login, LoginPassword):
            return claimed
        is_known = await self._rules.users.verify(login.login, login.password)
        if not is_known:
            log.warning("ingest.login_refused")
        return AuthResult(success=is_known, handled=False)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read an address; the usual form by one expression, the rest by aiosmtpd, whose parser may raise anything
        on what is no address."""
        usual = _PLAIN_ADDRESS.match(arg or "")
        if usual is not None:
            return usual[1], usual[2] or ""
        try:
            address, rest = super()._getaddr(arg)
        except (IndexError, AttributeError, TypeError, ValueError, AssertionError, RecursionError):
            return None, None
        return address, rest

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        """Read the parameters of MAIL and RCPT; one that is said twice, or a size that is no number, is none
        (RFC 1870, 6.1: up to 20 digits of ASCII)."""
        found: dict[str, str | bool] | None = super()._getparams(params)
        if found is None or len(found) != len(params):
            return None
        size = found.get("SIZE", "0")
        return found if isinstance(size, str) and _SIZE.fullmatch(size) else None

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        refusal = self._refuses_data(arg)
        if refusal is not None:
            await self.push(refusal)
            return
        self.is_receiving = True
        lease = self._door.bytes_in_hand.lease()
        try:
            await self._receive(lease)
        except RefusedError as refused:
            await self._refuse(refused)
        finally:
            self.is_receiving = False
            self._sessions.note_quiet()
            if self.transport is not None:
                self._reset_timeout()

    def _refuses_data(self, arg: str | None) -> str | None:
        if not self.envelope.rcpt_tos:
            return "503 5.5.1 Need MAIL and RCPT first"
        if arg:
            return "501 5.5.4 Syntax: DATA"
        return CLOSING if self._door.is_closing else None

    async def _receive(self, lease: Lease) -> None:
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._repeats = self._replies_due()
        try:
            raw = await self._read(lease)
        except BaseException:
            lease.release()
            raise
        envelope = self._ended_envelope()
        await self.push(await self._acceptance.accept(envelope, raw, self.client, lease))

    def _replies_due(self) -> int:
        return 1

    async def _read(self, lease: Lease) -> bytes:
        rules = self._rules
        reader = DataReader(self._reader, rules.size_limit_bytes, lease)
        self._timeout_handle.cancel()
        watch = DataWatch(
            self.loop,
            lambda: reader.received_bytes,
            self._cut_slow,
            grace_s=rules.data_grace_s,
            min_rate=rules.min_rate,
            limit_s=rules.data_limit_s,
        )
        try:
            return await reader.read()
        finally:
            watch.cancel()

    def _cut_slow(self) -> None:
        log.warning("ingest.data_cut", client_open=self._door.connections.open)
        self._metrics.deferred.labels(reason_of(TOO_SLOW)).inc()
        self._say_last(TOO_SLOW)

    async def _refuse(self, refused: RefusedError) -> None:
        self._set_post_data_state()
        await self.push(refused.reply)
        if isinstance(refused, EndlessError):
            self._hang_up()

    def _ended_envelope(self) -> Envelope:
        """Return the envelope and begin the next one; ``<>`` is the null reverse-path (RFC 5321, 4.5.5)."""
        sender = "" if self.envelope.mail_from == "<>" else self.envelope.mail_from
        recipients = tuple(dict.fromkeys(self.envelope.rcpt_tos))
        self._set_post_data_state()
        return Envelope(sender=sender, recipients=recipients)
