"""A fault of the desk: killed while people answer customers, who look again and send what does not stand there."""

import asyncio
import html
import random
import re
from datetime import UTC, datetime, timedelta

import httpx
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from itaca.cases.roles import Role
from itaca.contracts.intents import CaseKind
from itaca.storage.accounts import set_password
from itaca.storage.invitations import digest, invite_person
from itaca.storage.people import add_person, add_team
from tests.fault.processes import dies_at, revive
from tests.fault.site import Site
from tests.support.waiting import until

PEOPLE = 3
PASSWORD = "cavallo corretto batteria"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
POINTS = tuple(f"{when}_commit@{nth}" for nth in (8, 9) for when in ("before", "in", "after"))
"""Every page and every answer is a commit, so that both numbers together meet answers as well."""
_HIDDEN = re.compile(r'name="(token|version|mail|day)"[^>]* value="([^"]*)"')
_RECIPIENT = re.compile(r'<select name="recipient" required>\s*<option[^>]*>([^<]+)<')
_COMPLAINTS = text(
    "SELECT c.reference FROM cases c WHERE c.status = 'open' AND c.kind = 'complaint' AND EXISTS "
    "(SELECT 1 FROM customer_addresses a WHERE a.customer_id = c.customer_id) ORDER BY c.id"
)
_LEFT = text("SELECT count(*) FROM outbox WHERE kind = 'reply' AND CAST(payload AS TEXT) LIKE :words")


async def killed_answering(site: Site) -> None:
    """Kill the desk at every point while three people answer.

    Raises:
        AssertionError: an answer that had left for who wrote it left never, or a customer got one twice.
    """
    await site.until_sql(f"SELECT count(*) > 0 FROM ({_COMPLAINTS.text}) AS complaints")
    people = [Clerk(site, await site.ledger.write(_new_account)) for _ in range(PEOPLE)]
    await revive(site, "desk")
    working = [asyncio.create_task(clerk.work()) for clerk in people]
    try:
        for point in POINTS:
            site.deployment.kill9("desk")
            await dies_at(site, "desk", point)
        await revive(site, "desk")
        for clerk in people:
            clerk.has_to_go = True
        await asyncio.gather(*working)
        assert all(clerk.told for clerk in people), "somebody got no answer out"
        for words in [words for clerk in people for words in clerk.told]:
            await _left_once(site, words)
    finally:
        for task in working:
            task.cancel()
        site.deployment.kill9("desk")


class Clerk:
    """Somebody who answers one complaint after the other.

    Attributes:
        told: the words of each answer that left as far as they know. has_to_go: they begin nothing new.
    """

    def __init__(self, site: Site, email: str) -> None:
        self._site, self._email = site, email
        self._rng = random.Random(email)
        self.told: list[str] = []
        self.has_to_go = False

    async def work(self) -> None:
        """Answer until they have to go; what was begun is brought to its end."""
        url = f"http://127.0.0.1:{self._site.deployment.desk_port}"
        async with httpx.AsyncClient(base_url=url, timeout=30) as web:
            while not self.has_to_go:
                found = await self._site.ledger.read(lambda conn: list(conn.scalars(_COMPLAINTS)))
                await self._answer(web, self._rng.choice(found), f"Rimborso {len(self.told)} di {self._email}.")

    async def _answer(self, web: httpx.AsyncClient, reference: str, words: str) -> None:
        """Send an answer, and look whether it stands there when the desk did not say so."""
        while True:
            try:
                page = (await web.get(f"/cases/{reference}")).text
                if words in html.unescape(page) or await self._has_sent(web, reference, page, words):
                    self.told.append(words)
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)

    async def _has_sent(self, web: httpx.AsyncClient, reference: str, page: str, words: str) -> bool:
        form, recipient = page.partition('/answer"')[2].partition("</form>")[0], _RECIPIENT.search(page)
        fields = dict(_HIDDEN.findall(form))
        if recipient is None:
            token = dict(_HIDDEN.findall((await web.get("/sign-in")).text)).get("token", "")
            await web.post("/sign-in", data={"token": token, "email": self._email, "password": PASSWORD})
            return False
        letter = {"recipient": html.unescape(recipient[1]), "subject": "Risposta", "text": words, "then": "later"}
        answer = await web.post(f"/cases/{reference}/answer", data=fields | letter)
        # 409: a colleague or the customer was quicker.
        assert answer.status_code in (303, 409), f"{answer.status_code}: {answer.text[:300]}"
        return answer.status_code == 303


async def _left_once(site: Site, words: str) -> None:
    """Wait until the customer has the answer, and make sure that there is one of it."""

    def letters() -> int:
        return sum(words in letter.text for letter in site.relay.received)

    await until(lambda: letters() > 0, f"the answer leaves: {words}", 120)
    kept = await site.ledger.read(lambda conn: conn.execute(_LEFT, {"words": f"%{words}%"}).scalar_one())
    assert (letters(), kept) == (1, 1), f"{letters()} letters, {kept} in the ledger: {words}"


def _new_account(conn: Connection) -> str:
    """Let somebody sign in at the desk who owns no cases of customers, and return their address."""
    now, rng = datetime.now(UTC), random.Random()
    email = f"penna.{rng.getrandbits(40):x}@azienda.example"
    team = add_team(conn, email, (CaseKind.ORDER,), now, rng)
    person = add_person(conn, "Penna", email, team.id, now, rng)
    secret = invite_person(conn, person.id, Role.LEAD, now, timedelta(hours=1), rng)
    set_password(conn, digest(secret), QUICK.hash(PASSWORD), now)
    return email
