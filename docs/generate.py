"""Write what is derived from the code: the tables of settings and metrics, and ``.env.example``.

Run ``make docs`` after a setting or a metric has changed; a test compares the files with what this makes.
"""

from importlib import import_module
from pathlib import Path

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from itaca.observability.metrics import Metrics
from itaca.settings import SERVICES, Settings, SharedSettings

ROOT = Path(__file__).parents[1]
_START, _END = "<!-- generated: make docs -->", "<!-- end of what is generated -->"
_ENV_HEAD = """\
# Every setting of Itaca with its default. Copy to .env and uncomment what shall differ: compose.yaml reads .env by
# itself; for a process started by hand:  set -a; . ./.env; set +a
# Lists are separated by commas. Instead of a value, NAME_FILE may name a file that holds it.
"""


def settings_classes() -> list[type[Settings]]:
    """Return the shared settings and those of every service that exists, in the order of the flow."""
    classes: list[type[Settings]] = [SharedSettings]
    for name in SERVICES:
        if (ROOT / "services" / name / "settings.py").exists():
            classes.append(getattr(import_module(f"services.{name}.settings"), f"{name.capitalize()}Settings"))
    return classes


def default_of(field: FieldInfo) -> str:
    """Return a default as one would write it into the environment."""
    default = field.default
    if default is None:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, tuple):
        return ",".join(str(value) for value in default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def env_example() -> str:
    """Return the text of ``.env.example``."""
    lines = [_ENV_HEAD]
    for cls in settings_classes():
        lines.append(f"# --- {_title(cls)}")
        for name, field in cls.model_fields.items():
            lines += [f"# {field.description}", f"#{cls.variable(name)}={default_of(field)}"]
        lines.append("")
    return "\n".join(lines)


def settings_tables() -> str:
    """Return one table of settings for each class."""
    lines: list[str] = []
    for cls in settings_classes():
        lines += [f"## {_title(cls)}", "", "| variable | default | meaning |", "|---|---|---|"]
        for name, field in cls.model_fields.items():
            default = f"`{default_of(field)}`" if default_of(field) else ""
            lines.append(f"| `{cls.variable(name)}` | {default} | {field.description} |")
        lines.append("")
    return "\n".join(lines)


def metrics_table() -> str:
    """Return the table of metrics, by the names that a scrape shows."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            family = metric.describe()[0]
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(metric._labelnames)
            kind = "histogram" if isinstance(metric, Histogram) else family.type
            lines.append(f"| `{name}` | {kind} | {labels} | {family.documentation} |")
    return "\n".join([*lines, ""])


def pages() -> dict[Path, str]:
    """Return every generated file with the text that it should have."""
    return {
        ROOT / ".env.example": env_example(),
        ROOT / "docs/configuration.md": _within(ROOT / "docs/configuration.md", settings_tables()),
        ROOT / "docs/metrics.md": _within(ROOT / "docs/metrics.md", metrics_table()),
    }


def _within(page: Path, table: str) -> str:
    before, rest = page.read_text(encoding="utf-8").split(_START)
    return f"{before}{_START}\n\n{table}\n{_END}{rest.split(_END)[1]}"


def _title(cls: type[Settings]) -> str:
    service = getattr(cls, "service", "")
    return f"Stage {service}" if service else "Shared by every stage"


def main() -> None:
    """Write the files."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
