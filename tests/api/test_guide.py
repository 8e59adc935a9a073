"""The examples of docs/api.md do what the page says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from itaca.storage.webhooks import WebhookEvent
from tests.architecture.sources import ROOT
from tests.support.api_server import ApiServer

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a running API with some cases in its ledger."""
    made = ApiServer(tmp_path_factory.mktemp("guide"))
    made.start()
    yield made
    made.close()


def run(server: ApiServer, example: str) -> Any:
    """Run an example as a reader would, and return what it was answered."""
    names = {"API": f"{server.url}/v1", "TOKEN": server.token, "REFERENCE": server.references["cancellation"]}
    done = subprocess.run(
        ["sh", "-ec", example], env={"PATH": os.environ["PATH"], **names}, capture_output=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_of_the_page_are_answered_as_it_says(server: ApiServer) -> None:
    """Copied from the page into a shell, in its order: no problem among the answers."""
    suppression, activity, effect, call, cases = (run(server, example) for example in EXAMPLES)
    assert suppression["suppressed"] is False
    assert activity["verdict"] == "clear"
    assert (effect["state"], effect["evidence"]) == ("watched", "order 4711")
    assert call["references"]
    assert len(cases["items"]) == 2


def test_the_page_names_every_event_there_is() -> None:
    """An event that was renamed is renamed on the page."""
    assert [event.value for event in WebhookEvent if f"`{event.value}`" not in PAGE] == []
