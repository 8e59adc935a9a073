"""What the desk is told by its environment."""

from ipaddress import ip_network
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from itaca.settings import ServiceSettings

MEGABYTE = 1_000_000


class DeskSettings(ServiceSettings):
    """Variables begin with ITACA_DESK_."""

    service: ClassVar[str] = "desk"
    host: str = Field("127.0.0.1", description="Address of the desk and the API.")
    port: int = Field(8025, ge=0, le=65535, description="Port of the desk and the API; 0 takes a free one.")
    public_url: str = Field(
        "", description="Address by which people reach the desk; https:// makes its cookies travel over TLS only."
    )
    proxies: tuple[str, ...] = Field(
        (), description="Networks (CIDR) of proxies whose X-Forwarded-For names who asks; default: nobody's counts."
    )
    session_hours: int = Field(12, ge=1, le=24 * 30, description="Hours after which one signs in again.")
    sign_in_attempts: int = Field(
        10, ge=3, description="Refused sign-ins of one address within 15 minutes before it has to wait."
    )
    invite_hours: int = Field(72, ge=1, description="Hours for which a link that sets a password counts.")
    api_reads_per_s: float = Field(100, ge=0, description="Readings a second that one token gets; 0: no limit.")
    api_writes_per_s: float = Field(20, ge=0, description="Changes a second that one token gets; 0: no limit.")
    api_checks_per_s: float = Field(
        0,
        ge=0,
        description="Suppression checks a second that one token gets; 0: no limit, for whoever bills all night.",
    )
    html_wall_s: float = Field(5.0, gt=0, description="Longest cleaning of one HTML mail; then its text is shown.")
    undo_s: float = Field(
        15.0,
        ge=0,
        le=600,
        description="Seconds for which an answer waits before it leaves, and can be taken back.",
    )
    answer_files: int = Field(10, ge=0, le=50, description="Most files that one answer carries.")
    answer_megabytes: int = Field(10, ge=1, le=30, description="Most megabytes that the files of one answer hold.")
    oidc_issuer: str = Field(
        "", description="Issuer of an OpenID Connect provider by which people may sign in; default: passwords only."
    )
    oidc_client_id: str = Field("", description="Under which id the provider knows the desk.")
    oidc_client_secret: SecretStr | None = Field(None, description="The secret that goes with the id, if it has one.")
    oidc_name: str = Field("", description="What people call the provider, on its button.")
    oidc_trusts_addresses: bool = Field(
        False, description="Believe the provider's addresses although it does not say whether it verified them."
    )
    passwords_only_for: tuple[str, ...] = Field(
        (),
        description="Addresses of the few who may sign in by a password beside the provider, for the day on which it "
        "is away; default: everybody may.",
    )

    def problems(self) -> list[str]:
        """Return what only several variables together can tell, one sentence each, by variable."""
        parts = urlsplit(self.public_url)
        problems = []
        if self.public_url and not (parts.scheme in ("http", "https") and parts.netloc):
            problems.append(f"{self.variable('public_url')}: must begin with https:// (or http://) and name a host")
        problems += [
            f"{self.variable('proxies')}: {one} is no network; write 10.1.0.0/16" for one in self._no_networks()
        ]
        return problems + self._password_problems() + (self._provider_problems() if self.oidc_issuer else [])

    def takes_password_of(self, email: str) -> bool:
        """Say whether whoever has this address may sign in by a password."""
        few = {one.strip().lower() for one in self.passwords_only_for}
        return not few or email.strip().lower() in few

    def _password_problems(self) -> list[str]:
        name = self.variable("passwords_only_for")
        problems = [f"{name}: {one} is no e-mail address" for one in self.passwords_only_for if "@" not in one]
        if self.passwords_only_for and not self.oidc_issuer:
            problems.append(f"{name}: needs {self.variable('oidc_issuer')}, or nobody else could sign in")
        return problems

    def _no_networks(self) -> list[str]:
        found = []
        for network in self.proxies:
            try:
                ip_network(network)
            except ValueError:
                found.append(network)
        return found

    def _provider_problems(self) -> list[str]:
        problems = []
        issuer = urlsplit(self.oidc_issuer)
        is_secure = issuer.scheme == "https" or issuer.hostname in ("localhost", "127.0.0.1", "::1")
        if not (is_secure and issuer.netloc and not issuer.query and not issuer.fragment):
            problems.append(f"{self.variable('oidc_issuer')}: must begin with https:// and have neither ? nor #")
        if not self.oidc_client_id:
            problems.append(f"{self.variable('oidc_client_id')}: is needed beside the issuer")
        if not self.public_url:
            problems.append(f"{self.variable('public_url')}: is needed, because the provider sends people back there")
        return problems

    @property
    def is_https(self) -> bool:
        """Say whether people reach the desk by TLS."""
        return self.public_url.startswith("https://")
