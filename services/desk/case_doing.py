"""One act on a case: done in one transaction and remembered, or refused with what was typed and what changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.contracts.ids import CaseId, CaseReference
from itaca.errors import PermanentError
from itaca.storage.case_acts import Act
from itaca.storage.case_undoing import undoable
from services.desk.case_page import Attempt, act_on, show_case
from services.desk.desk import Desk
from services.desk.door import DeskHere, Visitor, Worker
from services.desk.problems import problem_words

Work = Callable[[Connection, Act], CaseReference | None]
"""Does it; returns the case to show afterwards, None for the same."""


@dataclass(frozen=True)
class Doing:
    """Who does something to which case, as the form says; ``version`` is the one that its page showed."""

    request: Request
    desk: Desk
    visitor: Visitor
    reference: str
    version: int

    async def case_id(self) -> CaseId:
        """Return the case's id.

        Raises:
            NotFoundError: no case has this reference.
        """
        return (await act_on(self.desk, self.visitor, self.reference, self.version))[1].case_id

    async def do(self, done: str, work: Work, event: str = "") -> Response:
        """Do it, and show the case; refused, show the case with what was typed and what changed.

        Args:
            done: what the page says afterwards.
            event: the name of the act in the history, if it can be taken back.
        """
        head, act = await act_on(self.desk, self.visitor, self.reference, self.version)

        def transaction(conn: Connection) -> CaseReference | None:
            if not event:
                return work(conn, act)
            with undoable(conn, act, event):
                return work(conn, act)

        try:
            shown = await self.desk.database.write(transaction)
        except PermanentError as error:
            return await self.refuse(error)
        return RedirectResponse(f"/cases/{shown or head.reference}?done={done}", 303)

    async def refuse(self, error: PermanentError) -> Response:
        """Show the case with what was typed; files that were chosen must be chosen again."""
        sent = await self.request.form()
        typed = {name: value for name, value in sent.items() if isinstance(value, str)}
        had_files = any(not isinstance(value, str) and value.filename for value in sent.values())
        problem = problem_words(error, self.desk.pages.words(self.visitor.language))
        attempt = Attempt(typed, problem, self.version, had_files)
        return await show_case(self.desk, self.visitor, self.reference, attempt)


def _doing(
    request: Request, desk: DeskHere, visitor: Worker, reference: str, version: Annotated[int, Form()]
) -> Doing:
    return Doing(request, desk, visitor, reference, version)


Here = Annotated[Doing, Depends(_doing)]
