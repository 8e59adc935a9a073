"""The main job, from an SMTP conversation to an owned case, on the embedded default and on real backends."""

import asyncio
import json
import re
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from itaca.storage.database import Database
from itaca.storage.open import open_database
from tests.support.books import broken_promises, unsent, unsettled
from tests.support.corpus import corpus_mails
from tests.support.deployment import Deployment
from tests.support.relay import Relay
from tests.support.traffic import Traffic
from tests.support.waiting import until

COMPLAINT = """Buongiorno,

il pacco che ho ordinato tre settimane fa non è mai arrivato e nessuno risponde alle mie mail.
Vi chiedo il rimborso immediato.

{name}
"""


def letter(sender: str, subject: str = "Pacco mai arrivato", body: str = COMPLAINT, **headers: str) -> EmailMessage:
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = sender, "reclami@azienda.example", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body.format(name=sender.split("@")[0]))
    return message


def id_in(reply: str) -> str:
    found = re.search(r"250 2\.6\.0 ([0-9a-f-]{36})", reply)
    assert found, reply
    return found[1]


async def settle(ledger: Database) -> None:
    async def is_done() -> bool:
        return await unsettled(ledger) == 0 and await unsent(ledger) == 0

    await until(is_done, "everything is settled and has left", 180)


async def cases_of(ledger: Database, mail_id: str) -> list[str]:
    query = text(
        "SELECT c.kind FROM cases c JOIN case_mails l ON l.case_id = c.id WHERE l.mail_id = :mail ORDER BY c.kind"
    )
    return await ledger.read(lambda conn: list(conn.scalars(query, {"mail": mail_id})))


async def test_complaints_of_the_corpus_become_owned_cases_with_an_acknowledgement(
    itaca: Deployment, ledger: Database
) -> None:
    """Sixty Italian complaints are settled; each case has a named owner, a date and an answer on its way."""
    accepted = [id_in(await itaca.send(raw, sender)) for sender, raw in corpus_mails(60, "complaint")]
    await settle(ledger)
    assert await broken_promises(ledger, accepted, itaca.relay.received) == []
    listed = itaca.run("cases", "list", "--json", "--limit", "500")
    lines = [json.loads(line) for line in listed.stdout.splitlines()]
    complaints = [line for line in lines if line["kind"] == "complaint"]
    assert len(complaints) > 30
    assert all(line["owner"] == "Primo Responsabile" and line["due_at"] for line in complaints)
    assert len(itaca.relay.acknowledgements) >= len(complaints)
    audit = itaca.run("audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert "The books balance." in audit.stdout


async def test_lm24_an_order_never_hides_the_complaint_beside_it(itaca: Deployment, ledger: Database) -> None:
    """A mail that orders and complains opens a complaint case and hands the order over."""
    body = (
        "Buongiorno,\n\nper cortesia inviatemi 10 confezioni del cod. 4471 e 2 del cod. 5120, solito indirizzo.\n\n"
        "Devo però reclamare: nell'ultima spedizione mancavano tre pezzi e due erano rotti, e li ho pagati. "
        "Chiedo la sostituzione o il rimborso.\n\n{name}\n"
    )
    mail_id = id_in(
        await itaca.send(letter("bottega@ferramenta.example", "Ordine e reclamo", body), "bottega@ferramenta.example")
    )
    await settle(ledger)
    assert await cases_of(ledger, mail_id) == ["complaint", "order"]
    handed = text("SELECT state FROM outbox WHERE kind = 'order_handoff' AND mail_id = :mail")
    assert await ledger.read(lambda conn: list(conn.scalars(handed, {"mail": mail_id}))) == ["sent"]


async def test_lm9_the_same_delivery_again_adds_nothing(itaca: Deployment, ledger: Database) -> None:
    """A redelivery answers with the first id; another mail under the same Message-ID is another mail."""
    first = letter("anna@lm9.example", Message_ID="<uno@lm9.example>")
    other = letter(
        "anna@lm9.example", body="Vi scrivo ancora: il pacco non è arrivato. {name}", Message_ID="<uno@lm9.example>"
    )
    ids = [id_in(await itaca.send(mail, "anna@lm9.example")) for mail in (first, first, other)]
    await settle(ledger)
    assert ids[0] == ids[1] != ids[2]
    count = text("SELECT count(*) FROM mails WHERE envelope_from = 'anna@lm9.example'")
    assert await ledger.read(lambda conn: conn.execute(count).scalar_one()) == 2


async def test_lm10_lm11_mail_without_message_id_from_or_date_reaches_an_outcome(
    itaca: Deployment, ledger: Database
) -> None:
    """Headers that are missing are no reason to lose a complaint."""
    raw = b"Subject: reclamo\r\n\r\nLa caldaia che mi avete venduto non funziona, rispondete: voglio un rimborso.\r\n"
    mail_id = id_in(await itaca.send(raw, "senza@lm10.example"))
    await settle(ledger)
    assert await cases_of(ledger, mail_id) in (["complaint"], ["review"])


async def test_lm20_a_repeat_contact_appends_and_gets_louder(itaca: Deployment, ledger: Database) -> None:
    """Five mails on one matter are one case with five contacts, and one answer that day."""
    sender = "ripetuto@lm20.example"
    for number in range(5):
        await itaca.send(letter(sender, f"Sollecito numero {number}", Message_ID=f"<{number}@lm20.example>"), sender)
    await settle(ledger)
    query = text(
        "SELECT c.contacts, c.severity FROM cases c JOIN customer_addresses a ON a.customer_id = c.customer_id "
        "WHERE a.address = :sender AND c.kind = 'complaint'"
    )
    rows = await ledger.read(lambda conn: conn.execute(query, {"sender": sender}).all())
    assert [row.contacts for row in rows] == [5]
    assert rows[0].severity > 5
    days = text(
        "SELECT count(*) FROM acknowledgements a JOIN cases c ON c.id = a.case_id WHERE c.reference = :reference"
    )
    answers = [a for a in itaca.relay.acknowledgements if a.recipient == sender]
    (answered,) = {reference for answer in answers for reference in answer.references}
    in_days = await ledger.read(lambda conn: conn.execute(days, {"reference": answered}).scalar_one())
    assert len(answers) == in_days <= 2  # two where the test runs over midnight


async def test_lm17_automatic_mail_is_kept_and_never_answered(itaca: Deployment, ledger: Database) -> None:
    """An out-of-office reply is filed; a web form that carries a complaint opens a case; neither gets an answer."""
    away = letter(
        "ferie@lm17.example", "Fuori ufficio", "Sono in ferie fino al 31. {name}", Auto_Submitted="auto-replied"
    )
    form = letter("modulo@lm17.example", "Modulo dal sito", Auto_Submitted="auto-generated")
    filed = id_in(await itaca.send(away, "ferie@lm17.example"))
    kept = id_in(await itaca.send(form, "modulo@lm17.example"))
    await settle(ledger)
    outcomes = text("SELECT id, outcome FROM mails WHERE id IN (:filed, :kept)")
    found = await ledger.read(
        lambda conn: {row.id: row.outcome for row in conn.execute(outcomes, {"filed": filed, "kept": kept})}
    )
    assert found[filed] == "filed"
    assert found[kept] in ("case", "review")
    assert not [a for a in itaca.relay.acknowledgements if a.recipient.endswith("@lm17.example")]


async def test_trace_shows_the_life_of_a_mail(itaca: Deployment, ledger: Database) -> None:
    """Trace by mail id names receipt, judgement, settlement and case."""
    mail_id = id_in(await itaca.send(letter("vita@trace.example"), "vita@trace.example"))
    await settle(ledger)
    shown = itaca.run("trace", mail_id, "--json")
    assert shown.returncode == 0, shown.stderr
    facts = [json.loads(line)["what"] for line in shown.stdout.splitlines()]
    assert len(facts) >= 4
    assert any("settled" in fact for fact in facts)
    assert itaca.run("trace", "IT-00000-00000").returncode == 1


async def test_the_metrics_page_tells_the_state_of_the_whole(itaca: Deployment, ledger: Database) -> None:
    """Accepted, settled, queue depth, unaccounted mails and the model are on the pages of a running Itaca."""
    await itaca.send(letter("misura@metrics.example"), "misura@metrics.example")
    await settle(ledger)
    pages = {name: itaca.metrics(name) for name in itaca.names}
    whole = "\n".join(pages.values())
    for wanted in (
        "itaca_mails_accepted_total{",
        'itaca_mails_settled_total{outcome="case"}',
        "itaca_queue_messages{",
        "itaca_queue_oldest_message_age_seconds{",
        "itaca_model_info{",
        "itaca_outbox_pending",
    ):
        assert wanted in whole, wanted
    watch = pages.get("watch") or pages["up"]
    assert "itaca_ledger_unaccounted 0.0" in watch
    assert "itaca_cases_without_owner 0.0" in watch


async def test_the_desk_shows_the_same_case_to_people_and_programs(itaca: Deployment, ledger: Database) -> None:
    """A token reads by the API the case that a mail opened; a person without a session is asked to sign in."""
    mail_id = id_in(await itaca.send(letter("anna@desk.example"), "anna@desk.example"))
    await settle(ledger)
    name = f"e2e-{mail_id}"
    made = itaca.run("tokens", "add", name, "--scope", "cases:read", "--scope", "mails:read")
    assert made.returncode == 0, made.stderr
    headers = {"authorization": f"Bearer {made.stdout.split()[-1]}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{itaca.desk_port}", timeout=60) as web:
        mail = (await web.get(f"/v1/mails/{mail_id}", headers=headers)).json()
        (reference,) = [one["reference"] for one in mail["cases"]]
        case = (await web.get(f"/v1/cases/{reference}", headers=headers)).json()
        asked = await web.get(f"/cases/{reference}", follow_redirects=True)
    assert (case["kind"], case["owner"], case["customer"]) == ("complaint", "owner@localhost", "anna@desk.example")
    assert asked.url.path == "/sign-in"
    assert (asked.status_code, 'name="password"' in asked.text) == (200, True)


@pytest.fixture
def elsewhere(itaca: Deployment, relay: Relay, request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Give an empty place for a ledger of the same kind, in one process."""
    place = Deployment(tmp_path, relay=relay)
    if itaca.backends:
        postgres = request.getfixturevalue("postgres_server")
        place.variables["ITACA_DATABASE_URL"] = postgres.url(postgres.new_empty_database())
    return place


async def raw_mails(ledger: Database) -> dict[str, bytes]:
    query = text("SELECT mail_id, raw FROM raw_mails")
    return await ledger.read(lambda conn: {row.mail_id: bytes(row.raw) for row in conn.execute(query)})


async def test_a_backup_taken_while_mail_flows_restores_elsewhere(
    itaca: Deployment, ledger: Database, elsewhere: Deployment
) -> None:
    """What was answered with 250 before it began is in it, byte for byte; the rest is handed in again."""
    mails, file = corpus_mails(60, language="de"), elsewhere.folder / "kept"
    traffic, again = Traffic(itaca, mails, connections=4), Traffic(elsewhere, mails, connections=4)
    flowing = asyncio.create_task(traffic.run())
    await until(lambda: len(traffic.accepted) >= 15, "mail flows", 60)
    before = set(traffic.accepted)
    made = await asyncio.to_thread(itaca.run, "backup", str(file))
    await flowing
    restored = await asyncio.to_thread(elsewhere.run, "restore", str(file))
    assert (made.returncode, restored.returncode) == (0, 0), made.stderr + restored.stderr
    there = await open_database(elsewhere.variables.get("ITACA_DATABASE_URL") or elsewhere.ledger_url)
    try:
        kept, whole = await raw_mails(there), await raw_mails(ledger)
        assert before <= kept.keys()
        assert kept.items() <= whole.items()
        await asyncio.to_thread(elsewhere.start)
        await again.run()
        await settle(there)
        assert sorted((await raw_mails(there)).values()) == sorted(whole.values())
        assert await broken_promises(there, again.accepted | kept.keys()) == []
        audit = await asyncio.to_thread(elsewhere.run, "audit")
        assert audit.returncode == 0, audit.stdout + audit.stderr
    finally:
        await asyncio.to_thread(elsewhere.stop)
        await there.close()
