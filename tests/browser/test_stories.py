"""The two stories from which Itaca came, ended at the desk by a person whose name stands on the case."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy import Connection, select

from itaca.cases.roles import Role
from itaca.cli.stories import Scene, load_stories
from itaca.cli.theatre import CHAIN, Theatre, open_theatre
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.settings import load
from itaca.storage import tables as t
from itaca.storage.accounts import set_password
from itaca.storage.invitations import digest, invite_person
from itaca.storage.people import list_people
from services.desk.app import build
from services.desk.settings import DeskSettings
from tests.support.chromium import Visit, visit
from tests.support.desk_site import PASSWORD, QUICK

pytestmark = [pytest.mark.chromium, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
OWNER = CHAIN[0][1]


@dataclass
class Listening:
    """The desk of the theatre."""

    url: str


@contextlib.asynccontextmanager
async def open_desk(theatre: Theatre) -> AsyncIterator[Listening]:
    """Let the theatre's people sign in at a desk of theirs."""
    await theatre.parts.database.write(lambda c: _accounts(c, theatre))
    # Months pass in a story; nobody's session shall end in the middle of it.
    stage = build(theatre.parts, load(DeskSettings, {"ITACA_DESK_PORT": "0", "ITACA_DESK_SESSION_HOURS": "720"}))
    stopping = asyncio.Event()
    running = asyncio.create_task(stage.run(stopping))
    try:
        yield Listening(f"http://127.0.0.1:{stage.port}")
    finally:
        stopping.set()
        await running


@pytest.mark.parametrize("number", [0, 1], ids=["roban", "dario"])
async def test_a_story_ends_at_the_desk_as_it_should_have(browser: Browser, tmp_path: Path, number: int) -> None:
    """The customer is answered by a person, everything has its evidence, nothing is open, the books balance."""
    story = load_stories()[number]
    customer = next(scene.writer for scene in story.scenes if scene.writer)
    async with open_theatre(story.scenes[0].at, tmp_path) as theatre, open_desk(theatre) as desk:
        for scene in story.scenes:
            await theatre.go_to(scene.at)
            if scene.mail is not None:
                await theatre.send(scene.mail, scene.writer, scene.recipient)
            if scene.effected or scene.remedied:
                async with visit(browser, desk, OWNER) as owner:
                    await _end(owner, theatre, scene)
        cases = await theatre.read(lambda c: c.execute(select(t.cases)).all())
        ended = {(case.kind, case.status) for case in cases if case.kind != CaseKind.ORDER.value}
        assert {status for _, status in ended} == {"closed"}
        assert {kind for kind, _ in ended} >= {CaseKind.CANCELLATION.value}
        # An answer can be taken back for a few seconds before it leaves.
        await theatre.clock.advance(timedelta(minutes=1))
        await theatre.deliver()
        letters = [path.read_text(encoding="utf-8") for path in (theatre.outbox / customer / "new").glob("*")]
        by_hand = [one for one in letters if "Auto-Submitted" not in one]
        assert len(by_hand) >= 2
        assert all("[IT-" in one and "In-Reply-To" in one for one in by_hand)
        assert (await theatre.books()).problems() == []


async def _end(owner: Visit, theatre: Theatre, scene: Scene) -> None:
    """Open every case of the customer, see the evidence, answer, and close it with what proves it."""
    outcome, proof = (
        (CaseOutcome.EFFECTED, scene.effected) if scene.effected else (CaseOutcome.REMEDIED, scene.remedied)
    )
    await owner.go(f"/cases?q={scene.customer}")
    hrefs = await owner.page.eval_on_selector_all("a.whole", "all => all.map(one => one.getAttribute('href'))")
    assert hrefs
    for href in hrefs:
        await theatre.clock.advance(timedelta(minutes=3))
        await owner.go(href)
        is_cancellation = await owner.page.locator(".case-head .tag.cancellation").count() == 1
        is_open = await owner.page.locator("form[action$='/close']").count() == 1
        if not is_open or (scene.effected and not is_cancellation):
            continue
        for box in await owner.page.locator("form[action$='/answer'] input[name=asked]").all():
            await box.check()
        await owner.page.fill("#answer-text", f"Buongiorno, ecco che cosa abbiamo fatto: {proof}.")
        await owner.page.check("input[name=then][value=close]")
        await owner.page.select_option("form[action$='/answer'] select[name=outcome]", outcome.value)
        await owner.page.fill("form[action$='/answer'] input[name=evidence]", proof)
        await owner.page.click("text=Invia la risposta")
        await owner.page.wait_for_url("**done=answered")
        assert "Che cosa abbiamo promesso" in await owner.text()


def _accounts(c: Connection, theatre: Theatre) -> None:
    now, rng = theatre.clock.now(), random.Random(1)
    for person in list_people(c):
        secret = invite_person(c, person.id, Role.AGENT, now, timedelta(hours=1), rng)
        set_password(c, digest(secret), QUICK.hash(PASSWORD), now)
