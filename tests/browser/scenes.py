"""A day at a shop: customers, cases, mail to decide and mail for the blind check, as the pages show them."""

import struct
import zlib
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import Connection, insert

from itaca.cases.activities import Activity
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import ActivityKind, CaseKind
from itaca.storage import tables as t
from itaca.storage.activities import report_activity
from itaca.storage.confirmations import Effect, confirm_effect
from itaca.storage.desk_case import case_head
from itaca.storage.moments import to_micros
from itaca.storage.receipts import issue_receipt, open_signer
from tests.support.answers_worth import put_scored
from tests.support.case_facts import judgement
from tests.support.desk_site import Site, letter

ROBAN = ("roban.ferrero@posta.example", "Roban Ferrero")
DARIO = ("dario.mele@posta.example", "Dario Mele")
LIA = ("lia@posta.example", "Lia Sanna")
NADIA = ("nadia@posta.example", "Nadia Testa")
WET = letter("Pacco", "Il pacco era aperto e bagnato.", *NADIA)
"""A complaint like any other."""
POLICY = Policy()
ORDERED = """Buonasera,

il 2 marzo ho ordinato tre libri e a oggi non è arrivato niente. In compenso ho ricevuto un secondo catalogo,
che non avevo chiesto.

Vorrei sapere dove sono i libri che ho ordinato e perché nessuno mi ha avvisato del ritardo.

Roban Ferrero"""
AGAIN = """Vi ho scritto ieri e non ho ricevuto risposta. I libri non sono ancora arrivati.

È la seconda volta che vi scrivo per la stessa cosa. Se non rispondete mi rivolgo al mio avvocato.

Roban Ferrero"""
CHARGED = """Mi avete confermato la disattivazione, eppure
anche questa settimana mi avete addebitato 5 euro, per la terza volta.
Allego la schermata con gli addebiti: chiedo il rimborso.

Dario Mele"""


async def play(site: Site) -> dict[str, str]:
    """Let a few days pass and return the references of the cases, by customer."""
    refs = {"roban": await _roban(site), "dario": await _dario(site)}
    await site.receive(
        letter("Ordine", "Vorrei due copie di Le vie dei canti, al solito indirizzo.", *LIA), judgement("Y")
    )
    await site.receive(WET, judgement("N", "Y"))
    await to_decide(site, 3)
    await to_check(site, 2)
    return refs


async def to_decide(site: Site, count: int) -> None:
    """Let mail come of which the machine is not sure."""
    for number in range(count):
        name = f"Cliente {number + 1}"
        mail = letter(
            "Il mio abbonamento",
            f"Salve, è normale che mi arrivi ancora la rivista numero {number + 1}? Pensavo di aver finito.",
            f"c{number + 1}@posta{number + 1}.example",
            name,
        )
        await site.receive(mail, judgement("N", "U", "U"), spans=["è normale", "Pensavo di aver finito"])


async def to_check(site: Site, count: int) -> None:
    """Let mail come that asks nothing, and draw it for the blind check."""
    for number in range(count):
        sender = f"d{number + 1}@altra{number + 1}.example"
        text = f"Grazie, la consegna numero {number + 1} è andata benissimo."
        mail_id = await site.receive(letter("Grazie", text, sender, f"Lettrice {number + 1}"), judgement())
        row = {"mail_id": mail_id, "drawn_at": to_micros(site.ledger.clock.now()), "share": 1.0, "language": "it"}

        def draw(c: Connection, values: dict[str, object] = row) -> None:
            c.execute(insert(t.audit_samples).values(**values, model="model-1"))

        await site.ledger.database.write(draw)


async def cancelled(site: Site, sender: str, name: str) -> str:
    """Let somebody cancel, and return the reference of the case."""
    mail = letter("Disdetta", f"Chiedo la disattivazione dell'abbonamento. {name}", sender, name)
    await site.receive(mail, judgement("N", "N", "Y"))
    return await site.reference(CaseKind.CANCELLATION)


async def violated(site: Site, reference: str) -> None:
    """Let its system carry it out, sign its receipt, and charge all the same three days later."""
    rng, now = site.ledger.rng, site.ledger.clock.now()
    shared = site.stage.app.state.desk.shared

    def carry_out(c: Connection) -> None:
        head = case_head(c, reference)
        assert head is not None
        issue_receipt(c, CaseId(head.id), shared.organisation, open_signer(shared), now)
        confirm_effect(c, reference, Effect(now, "contratto 88 chiuso", "fatture"), now, POLICY, rng, "api")

    await site.ledger.database.write(carry_out)
    await site.ledger.clock.advance(timedelta(days=3))
    later = site.ledger.clock.now()
    charge = Activity("fatture", "991", ActivityKind.CHARGE, later, email=DARIO[0], amount="5,00 EUR")
    await site.ledger.database.write(lambda c: report_activity(c, charge, later, POLICY, rng, "api"))


async def scored(site: Site) -> None:
    """Let answers in the newest case be worth nothing for three causes, or something."""
    now, rng = site.ledger.clock.now(), site.ledger.rng
    causes = [("wrote_again", 2)] * 3 + [("asked_again", 1)] * 2 + [("nothing_changed", 0), ("", 0), ("", 0)]
    await site.ledger.database.write(lambda c: put_scored(c, now - timedelta(days=20), rng, causes, "ask"))


async def _roban(site: Site) -> str:
    first = letter("Dove sono i miei libri?", ORDERED, *ROBAN)
    await site.receive(first, judgement("N", "Y"), spans=["non è arrivato niente", "nessuno mi ha avvisato"])
    reference = await site.reference()
    await site.ledger.clock.advance(timedelta(hours=26))
    second = letter("Secondo sollecito", AGAIN, *ROBAN, In_Reply_To=str(first["Message-ID"]))
    await site.receive(second, judgement("N", "Y"), spans=["non ho ricevuto risposta", "È la seconda volta"])
    await site.ledger.clock.advance(timedelta(minutes=40))
    await site.give_to("Giulia Ferri", reference)
    return reference


async def _dario(site: Site) -> str:
    await site.receive(
        letter("Disdetta", "Chiedo la disattivazione immediata dell'abbonamento giochi.", *DARIO),
        judgement("N", "N", "Y"),
        spans=["disattivazione immediata"],
    )
    await site.give_to("Giulia Ferri", await site.reference(CaseKind.CANCELLATION))
    await site.receive(charged(), judgement("N", "Y"), spans=["anche questa settimana mi avete addebitato"])
    reference = await site.reference()
    await site.give_to("Giulia Ferri", reference)
    return reference


def charged() -> EmailMessage:
    """Return the protest with the screenshot that no form would take."""
    mail = letter("Mi addebitate ancora l'abbonamento", CHARGED, *DARIO)
    mail.add_attachment(picture(), maintype="image", subtype="png", filename="schermata.png")
    return mail


def picture(width: int = 240, height: int = 150) -> bytes:
    """Return a small PNG: lines of a bill, as a telephone would show them."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            is_line = y % 24 in (9, 10, 11) and 14 < x < (width - 14 if (y // 24) % 2 else width // 2)
            rows += bytes((60, 70, 80) if is_line else (236, 240, 243) if y > 22 else (11, 92, 122))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body
