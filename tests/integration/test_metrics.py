"""The page of a running Itaca: what Prometheus reads from it, and what a supervisor does."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.deployment import ROOT, Deployment
from tests.support.rabbitmq import wait_for_fact
from tests.support.require import require
from tests.support.written_mail import mail

MAILS = 5


@pytest.fixture(scope="module")
def itaca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Run `itaca up` and hand it five mails and one of them twice."""
    deployment = Deployment(tmp_path_factory.mktemp("metrics"))
    deployment.launch("up")
    try:
        wait_for_fact(lambda: status(deployment, "healthz") == 200, "the process answers")
        wait_for_fact(lambda: "ingest.listening_started" in deployment.log("up"), "ingest listens")
        asyncio.run(send_mails(deployment))
        yield deployment
    finally:
        deployment.stop()


async def send_mails(deployment: Deployment) -> None:
    for number in [*range(MAILS), 0]:
        raw = mail(f"Dov'è il mio ordine numero {number}?\n", {"Message-ID": f"<{number}@example.org>"})
        reply = await deployment.send(raw, "mario@example.org")
        assert reply.startswith("250 ")


def page(deployment: Deployment, name: str) -> tuple[int, str]:
    """Return status and text of a page, whatever the status."""
    url = f"http://127.0.0.1:{deployment.metrics_ports['up']}/{name}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def status(deployment: Deployment, name: str) -> int:
    """Return the status of a page, 0 while nobody answers."""
    try:
        return page(deployment, name)[0]
    except OSError:
        return 0


def samples(deployment: Deployment, name: str) -> dict[str, float]:
    """Return the samples of one name, by their label values."""
    families = text_string_to_metric_families(page(deployment, "metrics")[1])
    found = (sample for family in families for sample in family.samples if sample.name == name)
    return {",".join(sample.labels.values()): sample.value for sample in found}


def test_accepted_is_settled_and_the_books_balance(itaca: Deployment) -> None:
    """Five mails are accepted and settled, one came twice, and nothing is unaccounted for or without an owner."""
    wait_for_fact(lambda: sum(samples(itaca, "itaca_mails_settled_total").values()) == MAILS, "all are settled")
    assert samples(itaca, "itaca_mails_accepted_total") == {"smtp": MAILS}
    assert samples(itaca, "itaca_mails_duplicate_total") == {"": 1}
    wait_for_fact(lambda: sum(samples(itaca, "itaca_cases_open").values()) > 0, "the watch has looked at the ledger")
    wait_for_fact(lambda: samples(itaca, "itaca_unsettled_mails") == {"": 0}, "the watch sees them settled")
    assert samples(itaca, "itaca_ledger_unaccounted") == {"": 0}
    assert samples(itaca, "itaca_cases_without_owner") == {"": 0}


def test_queues_are_shown_without_rabbitmq_too(itaca: Deployment) -> None:
    """Depth and age of each queue exist in the embedded default."""
    wait_for_fact(lambda: bool(samples(itaca, "itaca_queue_messages")), "the watch has looked at the queues")
    queues = {labels.split(",")[0] for labels in samples(itaca, "itaca_queue_messages")}
    assert queues >= {"classifier.mail_received", "router.mail_classified"}
    assert set(samples(itaca, "itaca_queue_oldest_message_age_seconds")) >= queues


def test_every_stage_that_worked_shows_its_durations(itaca: Deployment) -> None:
    """Each stage counts every mail once in its histogram."""
    wait_for_fact(lambda: sum(samples(itaca, "itaca_mails_settled_total").values()) == MAILS, "all are settled")
    counts = samples(itaca, "itaca_stage_duration_seconds_count")
    assert counts["ingest"] >= MAILS
    assert counts["classifier"] >= MAILS
    assert counts["router"] >= MAILS


def test_promtool_accepts_the_page(itaca: Deployment) -> None:
    """Prometheus' own linter finds neither an error nor an unfortunate name."""
    promtool = shutil.which("promtool") or require(
        "promtool", "promtool is not installed (Debian package prometheus)"
    )
    text = page(itaca, "metrics")[1]
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_promtool_accepts_the_alert_rules() -> None:
    """The rules that we ship can be loaded."""
    promtool = shutil.which("promtool") or require(
        "promtool", "promtool is not installed (Debian package prometheus)"
    )
    rules = ROOT / "ops" / "alerts.yml"
    checked = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_page_names_nobody(itaca: Deployment) -> None:
    """No address and no id of a mail is a label."""
    text = page(itaca, "metrics")[1]
    assert "@" not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", text)


def test_healthy_says_ok_and_ready_says_what_is_missing(itaca: Deployment) -> None:
    """A supervisor restarts by /healthz; /readyz is 200 exactly when its list of issues is empty."""
    assert page(itaca, "healthz") == (200, "ok\n")
    code, text = page(itaca, "readyz")
    answer = json.loads(text)
    assert answer["healthy"] is (answer["issues"] == [])
    assert code == (200 if answer["healthy"] else 503)


def test_nothing_of_the_mails_is_in_the_log(itaca: Deployment) -> None:
    """The log holds ids and sizes, no address, no subject and no text."""
    log = itaca.log("up")
    assert log.count("ingest.mail_accepted") == MAILS
    assert [word for word in ("mario@example.org", "Il mio ordine", "reclami@", "Dov'") if word in log] == []
