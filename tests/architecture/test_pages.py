"""What is written beside the code says the same as the code."""

import re

from prometheus_client import Counter, Gauge, Histogram

from docs.generate import pages
from itaca.broker.topology import TOPOLOGY
from itaca.observability.metrics import Metrics
from tests.architecture.sources import EVERYTHING, ROOT, services, sources

UNITS = ("_seconds", "_bytes")
COUNTED = (
    "mails",
    "messages",
    "connections",
    "cases",
    "pending",
    "unaccounted",
    "open",
    "owner",
    "overdue",
    "info",
    "bound",
    "samples",
    "drift",
)
A_MACHINE_OF_OURS = re.compile(r"(?<![\w.])/(?:work|root|opt/wheels|opt/pypi)\b")


def test_the_generated_pages_are_up_to_date() -> None:
    """Settings, metrics and .env.example are what `make docs` would write now."""
    stale = [str(path.name) for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"


def test_every_metric_has_the_prefix_and_a_unit() -> None:
    """Durations and sizes end in their unit, counters in _total, and the other gauges in what they count."""
    wrong = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            name = metric.describe()[0].name
            is_counter = isinstance(metric, Counter)
            has_unit = name.endswith(UNITS) or any(word in name.split("_") for word in COUNTED)
            if not name.startswith("itaca_") or not (is_counter or has_unit):
                wrong.append(name)
    assert wrong == []


def test_no_label_holds_an_address_or_an_id() -> None:
    """Such a label would grow with every mail, and carry personal data into the monitoring."""
    labels = {
        label
        for metric in vars(Metrics()).values()
        if isinstance(metric, Counter | Gauge | Histogram)
        for label in metric._labelnames
    }
    assert labels <= {
        "listener", "reason", "stage", "how", "outcome", "kind", "state", "queue", "model", "intent", "verdict",
        "language", "duty", "level", "backend",
    }  # fmt: skip


def test_every_metric_of_an_alert_exists() -> None:
    """An alert on a name that nobody exports never fires."""
    text = (ROOT / "ops/alerts.yml").read_text(encoding="utf-8")
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`(itaca_\w+)`", page))
    used = {name.removesuffix("_bucket").removesuffix("_count") for name in re.findall(r"\bitaca_[a-z_]+\b", text)}
    assert used
    assert used <= known


def test_the_lock_names_versions_and_hashes_and_no_place() -> None:
    """Whoever installs chooses the index; nothing is installed that was not locked."""
    for name in ("run.txt", "dev.txt"):
        lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
        pins = [number for number, line in enumerate(lines) if re.match(r"^[A-Za-z0-9]", line)]
        assert len(pins) > 20
        assert [lines[n] for n in pins if "==" not in lines[n]] == []
        assert [lines[n] for n in pins if "--hash=sha256:" not in lines[n + 1]] == []
        assert [line for line in lines if re.match(r"\s*-[-a-z]", line) and "--hash=" not in line] == []
        assert [line for line in lines if "://" in line or " @ " in line or line.startswith("torch")] == []


def test_what_runs_is_what_was_tested() -> None:
    """Every version that Itaca runs with stands in the developers' lock too."""
    run, dev = (_pins(name) for name in ("run.txt", "dev.txt"))
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_every_service_is_a_container_and_every_queue_has_its_reader() -> None:
    """A folder in services/ is one process in compose.yaml, and a queue is named after the stage that reads it."""
    names = {folder.name for folder in services()}
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert {name for name in names if f"\n  {name}:\n    <<: *stage\n" not in text} == set()
    assert {queue.name.split(".")[0] for queue in TOPOLOGY} <= names


def test_no_file_knows_a_machine_of_ours() -> None:
    """Paths of one machine work on one machine."""
    found = [
        source.path
        for source in sources(*EVERYTHING)
        if A_MACHINE_OF_OURS.search(source.text) and not source.path.endswith("architecture/test_pages.py")
    ]
    assert found == []


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE))
