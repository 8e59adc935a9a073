"""The settings of ingest: where it listens, from whom and for whom it takes mail, and what bounds it."""

import resource
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, IPvAnyNetwork, StringConstraints

from itaca.errors import PermanentError
from itaca.settings import ServiceSettings
from services.ingest.tls import load_tls
from services.ingest.users import Users

_MIB = 1024 * 1024
_SPARE_DESCRIPTORS = 200
Recipient = Annotated[str, StringConstraints(pattern=r"^[^@\s]*@[^@\s]+$")]


class IngestSettings(ServiceSettings):
    """Variables ``ITACA_INGEST_*``. Durations are in seconds, sizes in bytes."""

    service: ClassVar[str] = "ingest"

    protocol: Literal["smtp", "lmtp"] = Field("smtp", description="smtp, or lmtp (one reply per recipient).")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(2525, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    reuse_port: bool = Field(False, description="Let several ingest processes share the port.")
    hostname: str = Field("", pattern=r"^[A-Za-z0-9.-]*$", description="Name in the greeting; default: the host's.")
    networks: tuple[IPvAnyNetwork, ...] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")), description="Networks that may hand mail in."
    )
    recipients: tuple[Recipient, ...] = Field(
        (), description="Addresses and @domains that mail is taken for; default: all, from private networks only."
    )
    size_limit_bytes: int = Field(35 * _MIB, ge=_MIB // 16, le=1024 * _MIB, description="Largest mail (SIZE).")
    max_recipients: int = Field(100, ge=100, description="Recipients of one mail (RFC 5321 asks for 100).")
    max_hops: int = Field(100, ge=10, description="Received headers above which a mail is going in circles.")
    connections: int = Field(500, ge=1, description="Connections in all.")
    connections_per_client: int = Field(50, ge=1, description="Connections of one address.")
    exempt_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks without a limit per client: the mail server in front."
    )
    bytes_in_hand: int = Field(256 * _MIB, ge=_MIB, description="Bytes of all mails between arrival and commit.")
    min_free_bytes: int = Field(
        256 * _MIB, ge=0, description="Free disk below which mail is put off; at least 1.5 times the largest mail."
    )
    error_limit: int = Field(20, ge=1, description="Refused commands after which a client is sent away.")
    idle_timeout_s: float = Field(300.0, gt=0, description="Longest wait for a command (RFC 5321 asks for 300).")
    data_grace_s: float = Field(60.0, gt=0, description="Time for a mail before its rate counts.")
    data_min_rate: int = Field(1000, ge=1, description="Least bytes a second of a mail.")
    data_limit_s: float = Field(600.0, gt=0, description="Longest time for a mail.")
    store_timeout_s: float = Field(30.0, gt=0, description="Longest wait for the ledger before 451.")
    shutdown_grace_s: float = Field(20.0, ge=0, description="Time for mails in transfer at a shutdown.")
    tls_certificate: Path | None = Field(None, description="Certificate chain in PEM; turns STARTTLS on.")
    tls_key: Path | None = Field(None, description="Its key in PEM.")
    users_file: Path | None = Field(None, description="Users of AUTH over TLS: name:scrypt$n$r$p$salt$hash.")
    readers: int = Field(1, ge=1, le=64, description="Processes that read mail.")
    reader_wall_s: float = Field(15.0, gt=0, description="Longest reading of one mail.")
    reader_cpu_s: int = Field(10, ge=1, description="CPU for one batch, or for one mail read alone.")
    reader_memory_bytes: int = Field(2048 * _MIB, ge=128 * _MIB, description="Address space of a reader.")
    queue_mails: int = Field(5000, ge=1, description="Accepted mails that wait to be read; more are driven later.")
    queue_bytes: int = Field(128 * _MIB, ge=1, description="The same in bytes.")

    def problems(self) -> list[str]:
        """Return what only the machine or another variable can tell, one sentence each, by variable."""
        found = [*self._open_door(), *self._descriptors(), *self._tls(), *self._users()]
        return [f"{self.variable(field)}: {problem}" for field, problem in found]

    def _open_door(self) -> list[tuple[str, str]]:
        wide = [str(network) for network in self.networks if not (network.is_private or network.is_loopback)]
        if not wide or self.recipients:
            return []
        return [("recipients", f"must name addresses or @domains, because {wide[0]} is no private network")]

    def _descriptors(self) -> list[tuple[str, str]]:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= self.connections + _SPARE_DESCRIPTORS:
            return []
        needed = self.connections + _SPARE_DESCRIPTORS
        return [("connections", f"needs {needed} file descriptors, and this process may open {soft} (ulimit -n)")]

    def _tls(self) -> list[tuple[str, str]]:
        if self.tls_certificate is None and self.tls_key is None:
            return []
        if self.tls_certificate is None or self.tls_key is None:
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            return [(missing, "is missing; certificate and key come together")]
        try:
            load_tls(self.tls_certificate, self.tls_key)
        except PermanentError as error:
            return [("tls_certificate", str(error))]
        return []

    def _users(self) -> list[tuple[str, str]]:
        if self.users_file is None:
            return []
        if self.tls_certificate is None:
            return [("users_file", "needs ITACA_INGEST_TLS_CERTIFICATE: passwords travel over TLS only")]
        try:
            Users.from_file(self.users_file)
        except PermanentError as error:
            return [("users_file", str(error))]
        return []
