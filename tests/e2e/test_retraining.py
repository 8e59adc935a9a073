"""The retraining loop as an ops person runs it: label, export, train, gate, promote and roll back in running mail."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from itaca.storage.database import Database
from services.classifier.model import read_pin
from tests.support.books import broken_promises, unsent, unsettled
from tests.support.corpus import corpus_mails
from tests.support.deployment import Deployment
from tests.support.relay import Relay
from tests.support.small_model import small_corpus, small_model
from tests.support.waiting import until

pytestmark = pytest.mark.slow
KINDS = {("complaint",): 80, ("order",): 50, ("cancellation",): 40, ("other",): 30}
LABELS = 30
BY_VERB = 3
PAUSE_S = 0.05
OWNER = "owner@localhost"
_ID = re.compile(r"250 2\.6\.0 ([0-9a-f-]{36})")


@pytest.fixture
def itaca(tmp_path: Path) -> Iterator[Deployment]:
    """Run one Itaca that judges with a small model out of a folder of its own, and shadows it with the same."""
    models = small_model(tmp_path)
    variables = {"ITACA_CLASSIFIER_MODELS_DIR": str(models), "ITACA_CLASSIFIER_SHADOW": read_pin(models).version}
    relay = Relay()
    relay.start()
    deployment = Deployment(tmp_path, relay=relay, variables=variables)
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()
        relay.stop()


@pytest.fixture
async def ledger(itaca: Deployment) -> AsyncIterator[Database]:
    """Open the deployment's ledger for the checks."""
    database = await itaca.open_ledger()
    try:
        yield database
    finally:
        await database.close()


@dataclass
class Stream:
    """Sends up to twenty mails a second, one after another, until told to stop; ``accepted`` holds their ids."""

    itaca: Deployment
    mails: Sequence[tuple[str, bytes]]
    accepted: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        for sender, raw in self.mails:
            if self.ended.is_set():
                return
            self.accepted.append(await send(self.itaca, sender, raw))
            await asyncio.sleep(PAUSE_S)
        raise AssertionError("the stream ran dry before the models had changed")


async def send(itaca: Deployment, sender: str, raw: bytes) -> str:
    """Hand one mail in and return its id."""
    found = _ID.search(reply := await itaca.send(raw, sender))
    assert found, reply
    return found[1]


async def settle(ledger: Database) -> None:
    async def is_done() -> bool:
        return await unsettled(ledger) == 0 and await unsent(ledger) == 0

    await until(is_done, "everything is settled and has left", 300)


async def say(itaca: Deployment, *words: str) -> str:
    """Run a verb beside the test and return what it printed."""
    done = await asyncio.to_thread(itaca.run, *words)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout.strip()


async def wrongly_judged(ledger: Database, truth: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return thirty mails with their true labels, of all kinds in turn, wrongly answered ones first."""
    query = text("SELECT mail_id, CAST(judgement AS TEXT) AS judgement FROM readings")
    rows = await ledger.read(lambda conn: {row.mail_id: json.loads(row.judgement) for row in conn.execute(query)})

    def is_right(mail_id: str) -> bool:
        verdicts = rows[mail_id]["verdicts"]
        return {name for name, verdict in verdicts.items() if verdict == "yes"} == set(truth[mail_id]) - {"other"}

    queues = [sorted((i for i in truth if truth[i] == kind), key=lambda i: (is_right(i), i)) for kind in KINDS]
    in_turn = [mail_id for place in zip(*queues, strict=False) for mail_id in place]
    return {mail_id: truth[mail_id] for mail_id in in_turn[:LABELS]}


def sort_into_folders(folder: Path, labels: dict[str, tuple[str, ...]], raw: dict[str, bytes]) -> None:
    """Put mails as files into folders named by what they are, as somebody sorts them in a mail program."""
    for mail_id, names in labels.items():
        place = folder / "+".join(names)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{mail_id}.eml").write_bytes(raw[mail_id])


async def label_and_train(itaca: Deployment, labels: dict[str, tuple[str, ...]], raw: dict[str, bytes]) -> str:
    """Label some mails of the ledger and import the others, train with both, pass the gate; return the candidate."""
    ids = list(labels)
    for mail_id in ids[:BY_VERB]:
        await say(itaca, "label", "set", mail_id, *labels[mail_id], "--by", OWNER, "--blind")
    assert await say(itaca, "label", "export", "--to", "desk.jsonl") == f"exported {BY_VERB}"
    sort_into_folders(itaca.folder / "sorted", {i: labels[i] for i in ids[BY_VERB:]}, raw)
    imported = await say(itaca, "label", "import", "sorted", "--by", OWNER, "--to", "sorted.jsonl")
    assert imported == f"imported {LABELS - BY_VERB}"
    files = ("--with", "desk.jsonl", "--with", "sorted.jsonl")
    corpus = str(small_corpus(itaca.folder / "corpus"))
    found = json.loads(await say(itaca, "train", *files, "--corpus", corpus, "--json"))
    assert found["passed"], found["verdict"]
    assert found["accepted"] > LABELS * 0.8, found["set_aside"]
    return str(found["version"])


async def readings(ledger: Database) -> list[tuple[str, str]]:
    """Return (mail id, model) of every reading."""
    query = text("SELECT mail_id, model FROM readings")
    return await ledger.read(lambda conn: [(row.mail_id, row.model) for row in conn.execute(query)])


async def wait_judged_by(ledger: Database, version: str, more: int = 20) -> None:
    """Return when this model has judged ``more`` mails from now on."""
    before = Counter(model for _, model in await readings(ledger))[version]

    async def has_judged() -> bool:
        return Counter(model for _, model in await readings(ledger))[version] >= before + more

    await until(has_judged, f"{version} judges", 180)


async def test_labels_change_the_model_while_mail_flows(itaca: Deployment, ledger: Database) -> None:
    """200 mails, 30 corrections, a gate passed, a promotion and a rollback: nothing lost, nothing judged twice."""
    old = json.loads(await say(itaca, "models", "show", "--json"))["version"]
    known = [(kind, mail) for kind, count in KINDS.items() for mail in corpus_mails(count, *kind)]
    ids = [await send(itaca, *mail) for _, mail in known]
    truth = {mail_id: kind for mail_id, (kind, _) in zip(ids, known, strict=True)}
    raw = {mail_id: mail[1] for mail_id, (_, mail) in zip(ids, known, strict=True)}
    await settle(ledger)

    new = await label_and_train(itaca, await wrongly_judged(ledger, truth), raw)
    assert json.loads(await say(itaca, "models", "show", "--json"))["version"] == old != new

    sent = {mail for _, mail in known}
    stream = Stream(itaca, [mail for mail in corpus_mails(4000, language="") if mail not in sent])
    flowing = asyncio.ensure_future(stream.run())
    await wait_judged_by(ledger, old)
    assert await say(itaca, "models", "promote", new) == new
    await wait_judged_by(ledger, new)
    assert await say(itaca, "models", "rollback") == old
    await wait_judged_by(ledger, old)
    stream.ended.set()
    await flowing
    await settle(ledger)

    accepted = [*truth, *stream.accepted]
    assert await broken_promises(ledger, accepted, itaca.relay.received if itaca.relay else []) == []
    judged = await readings(ledger)
    assert sorted(mail_id for mail_id, _ in judged) == sorted(accepted)
    assert {model for _, model in judged} == {old, new}
    assert counted(itaca, "mails_judged", 'intent="complaint"') == len(accepted)
    await until(lambda: counted(itaca, "shadow_mails") == len(accepted), "the shadow has seen all", 120)
    assert "The books balance." in await say(itaca, "audit")


def counted(itaca: Deployment, counter: str, label: str = "") -> int:
    """Return what the classifier's metrics page says of a counter, over all values of its other labels."""
    page = itaca.metrics("up")
    counts = re.findall(rf"^itaca_{counter}_total\{{.*{label}.*\}} (\S+)$", page, re.MULTILINE)
    return round(sum(map(float, counts)))
