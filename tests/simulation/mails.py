"""The mail of a run: who writes what, as bytes, and what the writer meant by it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from itaca.mail.model import Envelope
from tests.simulation.relay import Delivered, Relay

US = "servizio@itaca.example"
KINDS = {
    "complaint": 6,
    "order": 3,
    "cancellation": 3,
    "mixed": 3,
    "protest": 2,
    "thanks": 1,
    "twin": 2,
    "form": 1,
    "away": 1,
    "list": 1,
    "receipt": 1,
    "certified": 1,
    "broken": 1,
}
"""Kinds of mail that anybody may write, and how often they come."""
_ANSWERING = ("follow_up", "follow_up", "follow_up", "thanks", "stranger", "bounce")
"""Kinds that need something of ours to answer."""

_MEANT = {
    "complaint": ("complaint",),
    "order": ("order",),
    "cancellation": ("cancellation",),
    "mixed": ("order", "complaint"),
    "protest": ("complaint", "cancellation"),
    "follow_up": ("complaint",),
    "form": ("complaint",),
    "certified": ("complaint",),
    "stranger": ("complaint",),
}
_SAYS = {
    "complaint": "protesto: il pacco non e' mai arrivato",
    "order": "vorrei ordinare tre copie del catalogo",
    "cancellation": "disdico il mio abbonamento da subito",
}
AUTOMATIC = frozenset({"form", "away", "bounce", "list", "receipt"})
TEMPERS = ("clear",) * 14 + ("unsure", "unsure", "wrong", "deadly_to_judge", "hangs_judge", "deadly_to_reader")


@dataclass(frozen=True)
class Letter:
    """One mail of a customer. ``temper``: what the machine makes of it; ``meant``: what the writer wants."""

    token: int
    kind: str
    temper: str
    customer: str
    meant: tuple[str, ...]
    number: str
    envelope: Envelope
    raw: bytes
    answers: str = ""
    """The Message-ID of our acknowledgement that it replies to."""

    @property
    def is_automatic(self) -> bool:
        return self.kind in AUTOMATIC

    @property
    def name(self) -> str:
        return f"mail k{self.token} ({self.kind}, {self.temper})"


class Writers:
    """A handful of customers, each with a few matters, who remember what we wrote to them."""

    def __init__(self, rng: random.Random, relay: Relay) -> None:
        self._rng, self._relay = rng, relay
        self._customers = [f"cliente{n}@casa{n}.example" for n in range(rng.choice((1, 1, 2, 3)))]
        self._numbers = [f"{48000 + n}" for n in range(rng.choice((1, 2, 3)))]
        self._provoked: list[str] = []
        self.letters: list[Letter] = []

    def write(self) -> Letter:
        """Write the next mail."""
        kind, customer = self._who_writes_what()
        if kind == "twin":
            return self._rng.choice(self.letters)
        answered = self._relay.acknowledgements_to(customer)
        answer = self._rng.choice(answered) if answered and kind in _ANSWERING else None
        letter = self._letter(kind if answer or kind not in _ANSWERING else "complaint", customer, answer)
        self.letters.append(letter)
        return letter

    def provoke(self, customer: str) -> None:
        """Let this customer write next that the cancellation was not respected."""
        self._provoked.append(customer)

    def _who_writes_what(self) -> tuple[str, str]:
        rng = self._rng
        if self._provoked:
            return "protest", self._provoked.pop()
        customer = rng.choice(self._customers)
        if self._relay.acknowledgements_to(customer) and rng.random() < 0.6:
            return rng.choice(_ANSWERING), customer
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        return ("complaint" if kind == "twin" and not self.letters else kind), customer

    def _letter(self, kind: str, customer: str, answered: Delivered | None) -> Letter:
        rng, token = self._rng, len(self.letters)
        meant = _MEANT.get(kind, ())
        number = rng.choice(self._numbers) if rng.random() < 0.5 else ""
        sender = f"altro{token}@altrove{token}.example" if kind == "stranger" else customer
        is_reply = answered is not None and kind in ("follow_up", "thanks", "stranger")
        answers = answered.letter.message_id if answered is not None and (is_reply or kind == "bounce") else ""
        words = [_SAYS[one] for one in meant] or ["grazie, tutto bene"]
        if number and kind != "thanks":
            words.append(f"Ordine n. {number}")
        if "complaint" in meant and rng.random() < 0.1:
            words.append("mi rivolgo al mio avvocato")
        text = ". ".join(words) + "."
        thread = [f"In-Reply-To: {answers}", f"References: {answers}"] if is_reply else []
        if kind == "stranger" and answered is not None:
            text += f" Pratica {answered.letter.references[0]}"
        raw = _raw(kind, token, sender, text, thread, answers)
        envelope = Envelope(sender="" if kind in ("bounce", "receipt") else sender, recipients=(US,))
        replied = answers if is_reply else ""
        return Letter(token, kind, self._temper(kind), sender, meant, number, envelope, raw, replied)

    def _temper(self, kind: str) -> str:
        return "clear" if kind in ("bounce", "receipt") else self._rng.choice(TEMPERS)


def _raw(kind: str, token: int, sender: str, text: str, thread: Sequence[str], answers: str) -> bytes:
    """Return the bytes; the token in the subject lets the judge know the mail again."""
    headers = [
        f"From: Cliente <{sender}>",
        f"To: {US}",
        f"Subject: {'Re: ' if thread else ''}richiesta (k{token})",
        f"Message-ID: <k{token}@{sender.partition('@')[2]}>",
        "Date: Mon, 02 Mar 2026 10:00:00 +0100",
        *thread,
        *_EXTRA.get(kind, ()),
    ]
    if kind == "bounce":
        return _bounce(token, answers)
    if kind == "certified":
        return _certified(headers, token, text)
    if kind == "broken":
        return b"\x00\xff Subject: (k%d\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n\x80\x81=\r\n" % token
    return "\r\n".join([*headers, "", text, ""]).encode()


_EXTRA = {
    "form": ("Auto-Submitted: auto-generated",),
    "away": ("Auto-Submitted: auto-replied",),
    "list": ("List-Id: <novita.example>", "Precedence: bulk"),
    "receipt": ("X-Ricevuta: accettazione",),
}


def _bounce(token: int, answers: str) -> bytes:
    lines = [
        "From: MAILER-DAEMON@relay.example",
        f"To: {US}",
        f"Subject: Undelivered (k{token})",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "The mail could not be delivered.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; relay.example",
        f"Original-Message-ID: {answers}",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def _certified(headers: Sequence[str], token: int, text: str) -> bytes:
    inner = "\r\n".join([*headers, "", text, ""])
    lines = [
        'From: "Per conto di: cliente" <posta-certificata@pec.example>',
        f"To: {US}",
        f"Subject: POSTA CERTIFICATA: (k{token})",
        "X-Trasporto: posta-certificata",
        "Content-Type: multipart/mixed; boundary=p",
        "",
        "--p",
        "Content-Type: message/rfc822; name=postacert.eml",
        "Content-Disposition: inline; filename=postacert.eml",
        "",
        inner,
        "--p--",
        "",
    ]
    return "\r\n".join(lines).encode()
