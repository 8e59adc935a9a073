"""``itaca demo``: the two stories from which Itaca came, on a fast clock, as they should have gone."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text
from sqlalchemy import Connection, Row, select

from itaca.cli.output import local
from itaca.cli.stories import Scene, Story, load_stories
from itaca.cli.theatre import CHAIN, Theatre, open_theatre
from itaca.contracts.ids import CaseId
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.storage import tables
from itaca.storage.books import Books

EXAMPLE = "Example: itaca demo"
_SAYS = {
    "opened": "case opened",
    "appended": "joined to the case",
    "reopened": "case reopened",
    "violated": "held against the cancellation; the case goes up one level",
    "promise_broken": "promise broken",
    "promise_kept": "promise kept",
    "closed": "case closed",
    "handed": "handed to the system that executes it",
    "acknowledged": "",
    "owner_given": "a person owns it now",
}


def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep the ledger and the outbox in this folder.")] = None,
) -> None:
    """Play Roban's odyssey and the unwanted subscription on a fast clock, with the real stages and model."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    books = asyncio.run(play(Console(width=100, highlight=False), keep))
    raise typer.Exit(1 if books.problems() else 0)


async def play(console: Console, keep: Path | None = None) -> Books:
    """Play all stories and return the books at their end."""
    stories = load_stories()
    async with open_theatre(stories[0].scenes[0].at, keep) as theatre:
        narrator = Narrator(console, theatre)
        for story in stories:
            await narrator.tell(story)
        books = await theatre.books()
        narrator.close(books)
        return books


@dataclass
class Narrator:
    """Says what happens, from what the ledger and the outbox show and nothing else."""

    console: Console
    theatre: Theatre
    _seen: set[str] = field(default_factory=set)
    _read: set[Path] = field(default_factory=set)

    async def tell(self, story: Story) -> None:
        self.console.rule(f"[bold]{escape(story.title)}")
        for scene in story.scenes:
            await self._scene(scene)

    async def _scene(self, scene: Scene) -> None:
        await self.theatre.go_to(scene.at)
        await self._what_happened()
        self.console.print(f"\n[bold cyan]{local(scene.at)}[/]  {escape(scene.say)}")
        if scene.mail is not None:
            self._quote(scene.mail["Subject"], scene.mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
            await self.theatre.send(scene.mail, scene.writer, scene.recipient)
        if scene.effected:
            await self.theatre.close(scene.customer, [CaseKind.CANCELLATION], CaseOutcome.EFFECTED, scene.effected)
        if scene.remedied:
            await self.theatre.close(scene.customer, list(CaseKind), CaseOutcome.REMEDIED, scene.remedied)
        await self._what_happened()

    async def _what_happened(self) -> None:
        self._print(await self.theatre.read(self._new_events))
        notices: list[str] = []
        for path in sorted(self.theatre.outbox.glob("*/new/*"), key=lambda path: path.name):
            if path not in self._read:
                self._read.add(path)
                notices += self._letter(path)
        self._print(notices)

    def _print(self, lines: list[str]) -> None:
        """Print each line once, with how often it came."""
        for line, times in Counter(lines).items():
            self.console.print(f"{line} [dim]({times} times)[/]" if times > 1 else line, soft_wrap=True)

    def _new_events(self, conn: Connection) -> list[str]:
        events, cases, people = tables.case_events, tables.cases, tables.people
        query = (
            select(events, cases.c.reference, cases.c.kind.label("matter"), people.c.name.label("owner"))
            .join(cases, cases.c.id == events.c.case_id)
            .outerjoin(people, people.c.id == cases.c.owner_id)
            .order_by(events.c.at, events.c.id)
        )
        lines = []
        for row in conn.execute(query):
            if row.id in self._seen or not _SAYS.get(row.kind, row.kind):
                continue
            self._seen.add(row.id)
            says = f"  [green]>[/] {row.matter} [bold]{row.reference}[/]: {_SAYS.get(row.kind, row.kind)}"
            lines.append(f"{says}{self._detail(conn, row)}")
        return lines

    def _detail(self, conn: Connection, row: Row[Any]) -> str:
        kind, detail = row.kind, row.detail
        parts = [", ".join(detail.get("reasons", []))]
        if kind == "opened":
            parts.append(f"owner {row.owner or 'the order system'}")
        if kind == "promise_broken":
            parts.append(f"level {detail['level']}" if detail["level"] < len(CHAIN) - 1 else "top of the chain")
        parts += [detail[name] for name in ("evidence", "how") if name in detail]
        parts += self._files(conn, row) if kind in ("opened", "appended", "violated", "reopened") else []
        said = "; ".join(part for part in parts if part)
        return f" [dim]({escape(said)})[/]" if said else ""

    def _files(self, conn: Connection, row: Row[Any]) -> list[str]:
        table = tables.evidence
        query = select(table.c.name, table.c.sha256).where(
            table.c.case_id == CaseId(row.case_id), table.c.mail_id == row.mail_id
        )
        return [f"evidence {file.name}, sha256 {file.sha256[:16]}..." for file in conn.execute(query)]

    def _letter(self, path: Path) -> list[str]:
        """Print an answer to a customer; return a line for each letter to a colleague or a system."""
        message = message_from_bytes(path.read_bytes(), policy=default)
        is_answer = message["Auto-Submitted"] == "auto-replied"
        if not is_answer:
            return [f"  [magenta]@[/] {escape(str(message['To']))}: {escape(str(message['Subject']))}"]
        self.console.print(f"  [blue]<[/] answer to {escape(str(message['To']))}: {escape(str(message['Subject']))}")
        body = message.get_body(("plain",))
        text = body.get_content().strip() if body is not None else ""
        self.console.print(Padding(Text(text, style="dim"), (0, 0, 0, 6)))
        return []

    def _quote(self, subject: str, body: str) -> None:
        text = Text(f"{subject}\n{body.strip()}", style="italic")
        self.console.print(Padding(text, (0, 0, 0, 4)))

    def close(self, books: Books) -> None:
        self.console.rule("[bold]The books")
        settled = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(books.settled.items()))
        self.console.print(f"{books.accepted} mails accepted; {settled}; unaccounted for: {books.unaccounted}")
        for problem in books.problems():
            self.console.print(f"[red]{escape(problem)}[/]")
        if not books.problems():
            self.console.print("The books balance. Nothing was lost, and every complaint has an owner.")
