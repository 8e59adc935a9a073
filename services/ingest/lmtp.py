"""One LMTP conversation (RFC 2033): one reply for each recipient after the data."""

from aiosmtpd.smtp import syntax

from services.ingest.smtp import SmtpSession


class LmtpSession(SmtpSession):
    """One LMTP client: the mail is one mail for all its recipients, so their replies are the same."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str | None) -> None:  # noqa: N802
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str | None) -> None:  # noqa: N802
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    async def smtp_HELO(self, hostname: str | None) -> None:  # noqa: N802
        await self.push("500 5.5.1 This is LMTP: say LHLO")

    def _replies_due(self) -> int:
        return len(self.envelope.rcpt_tos)
