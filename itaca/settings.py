"""Settings from the environment: read once, checked together, never guessed.

Every variable begins with ``ITACA_``; those of one service with ``ITACA_<SERVICE>_``. A variable ``X`` may be
given as ``X_FILE``: the path of a file that holds the value, as container secrets are. Lists are separated by
commas. A variable nobody knows is an error, because a misspelt one would otherwise be ignored in silence.
"""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from itaca.errors import ConfigurationError

SERVICES = ("ingest", "classifier", "router", "courier", "watch", "desk")
LOCAL_OWNER = "owner@localhost"


class Settings(BaseSettings):
    """Root of all settings classes; values come from ``load`` alone, so that a test can pass any environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")
    prefix: ClassVar[str] = "ITACA_"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable of a field."""
        return f"{cls.prefix}{field}".upper()

    def problems(self) -> list[str]:
        """Return what only the machine or several variables together can tell, one sentence each, by variable."""
        return []


class SharedSettings(Settings):
    """What every process of one Itaca must agree on."""

    data_dir: Path = Field(Path("var"), description="Folder in which everything is kept.")
    database_url: SecretStr | None = Field(
        None, description="postgresql+asyncpg://user:password@host/name; default: SQLite in the data folder."
    )
    broker_url: SecretStr = Field(
        SecretStr("memory://"), description="amqp://user:password@host/vhost; default: in memory, one process."
    )
    owner_email: str = Field(LOCAL_OWNER, description="The first person who owns cases; made at the first start.")
    owner_name: str = Field("Primo Responsabile", description="The name of that person, as customers read it.")
    organisation: str = Field("Servizio Clienti", description="Who signs what Itaca sends.")
    own_domains: tuple[str, ...] = Field((), description="Domains whose mail is ours: never acknowledged.")
    own_addresses: tuple[str, ...] = Field((), description="Our own addresses, where others share their domain.")
    known_forwarders: tuple[str, ...] = Field(
        (), description="Addresses of forms and groups that send for a customer whom Reply-To names."
    )
    entities_file: Path | None = Field(
        None, description="Patterns of customer codes, order and contract numbers; default: itaca/mail/entities.toml."
    )
    evidence_address: str = Field(
        "", description="Where customers send evidence; default: the address that they wrote to."
    )
    trusted_authserv_ids: tuple[str, ...] = Field(
        (), description="Whose Authentication-Results are believed (RFC 8601); default: nobody's."
    )
    sector: str = Field(
        "", description="Whose legal terms hold: energy, telecom, bank ...; default: those of every company."
    )
    law_file: Path | None = Field(
        None, description="Legal terms reviewed by the company's lawyer; default: itaca/cases/law/it.toml."
    )
    receipts_url: str = Field(
        "", description="Address by which customers reach the desk, for the receipts in letters; default: no link."
    )
    receipt_key: SecretStr | None = Field(
        None, description="32 bytes in base64 that sign receipts; default: a key made in the data folder."
    )
    secret_key: tuple[SecretStr, ...] = Field(
        (),
        description="32 bytes in base64 that seal secrets and sign addresses, the newest first; default: a key made "
        "in the data folder.",
    )
    reply_tokens: bool = Field(
        False,
        description="Answers carry a signed token in their reply address (reclami+token@...); on only where the mail "
        "server takes such addresses (Postfix: recipient_delimiter = +).",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level logged.")
    metrics_host: str = Field("127.0.0.1", description="Address of metrics and health.")
    metrics_port: int = Field(9025, ge=0, le=65535, description="Port of metrics and health.")

    def ledger_url(self) -> str:
        """Return the URL of the ledger's database, the embedded default included."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'itaca.db'}"


class ServiceSettings(Settings):
    """Root of the settings of one service; ``service`` gives the prefix."""

    service: ClassVar[str] = ""

    @classmethod
    def variable(cls, field: str) -> str:
        return f"ITACA_{cls.service}_{field}".upper()


S = TypeVar("S", bound=Settings)


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read one settings class.

    Raises:
        ConfigurationError: every problem at once, each by the name of its variable.
    """
    values, problems = _values(cls, environ)
    problems += unknown_variables(environ, cls)
    try:
        settings = cls(**values)
    except ValidationError as error:
        problems += [_sentence(cls, e) for e in error.errors()]
        raise ConfigurationError(problems) from None
    if problems:
        raise ConfigurationError(problems)
    return settings


def load_all(classes: list[type[Settings]], environ: Mapping[str, str]) -> dict[type[Settings], Settings]:
    """Read several classes and report the problems of all of them together.

    Raises:
        ConfigurationError: every problem of every class.
    """
    loaded: dict[type[Settings], Settings] = {}
    problems: list[str] = []
    for cls in classes:
        try:
            loaded[cls] = load(cls, environ)
        except ConfigurationError as error:
            problems += [p for p in error.problems if p not in problems]
    if problems:
        raise ConfigurationError(problems)
    return loaded


def unknown_variables(environ: Mapping[str, str], cls: type[Settings]) -> list[str]:
    """Return a sentence for every variable that ``cls`` is responsible for and does not know.

    A service answers for its own prefix, the shared class for all that carries no service's name.
    """
    known = {cls.variable(field) for field in cls.model_fields}
    known |= {f"{name}_FILE" for name in known}
    own = [n for n in environ if n.startswith("ITACA_") and _responsible(n) == getattr(cls, "service", "")]
    return [f"{name}: no such setting; `itaca settings` lists all" for name in sorted(own) if name not in known]


def _responsible(name: str) -> str:
    first = name.removeprefix("ITACA_").split("_", 1)[0].lower()
    return first if first in SERVICES else ""


def _values(cls: type[Settings], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field, info in cls.model_fields.items():
        name = cls.variable(field)
        text = environ.get(name)
        if f"{name}_FILE" in environ:
            try:
                text = Path(environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
            except OSError as error:
                problems.append(f"{name}_FILE: cannot be read ({error.strerror})")
                continue
            except UnicodeDecodeError:
                problems.append(f"{name}_FILE: holds bytes that are no text")
                continue
        if text is not None:
            values[field] = _split(text) if _is_list(info.annotation) else text
    return values, problems


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_list(a) for a in get_args(annotation))
    return get_origin(annotation) in (tuple, list)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _sentence(cls: type[Settings], error: Any) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    name = cls.variable(field) if field else cls.variable("")
    return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def masked(settings: Settings) -> dict[str, str]:
    """Return every variable with its effective value; secrets show as ``**********``."""
    shown: dict[str, str] = {}
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        if isinstance(value, tuple):
            value = ",".join(str(v) for v in value)
        shown[type(settings).variable(field)] = "" if value is None else str(value)
    return shown
