"""``itaca people``: who answers for cases."""

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Connection

from itaca.cases.deadlines import Calendar
from itaca.cases.people import Person, Roster
from itaca.cases.roles import Role
from itaca.cli.days import day_of
from itaca.cli.ledger import read_ledger, write_ledger
from itaca.cli.output import print_json, print_table
from itaca.cli.stages import service
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.settings import load
from itaca.storage.accounts import end_invitation
from itaca.storage.desk_events import COMMAND_LINE
from itaca.storage.invitations import invite_path, invite_person
from itaca.storage.people import DEFAULT_TEAM, list_people, list_teams, load_roster
from itaca.storage.staff import Change, Profile, add_colleague, correct_absence
from itaca.storage.team_changes import Timetable, found_team, set_hours, team_version

app = typer.Typer(help="Add and list the people who own cases, and their absences.", no_args_is_help=True)


@app.command(
    "add", epilog='Example: itaca people add "Anna Neri" anna@example.it --languages it,en --lead capo@example.it'
)
def add(
    name: Annotated[str, typer.Argument(help="As customers read it.")],
    email: Annotated[str, typer.Argument(help="Where notices go.")],
    team: Annotated[str, typer.Option(help="Team; made if it does not exist.")] = DEFAULT_TEAM,
    kinds: Annotated[str, typer.Option(help="Kinds of case a new team handles, by commas; none: all.")] = "",
    languages: Annotated[str, typer.Option(help="Two-letter codes by commas; none: any.")] = "",
    lead: Annotated[str, typer.Option(help="E-mail address of the next person in the chain.")] = "",
) -> None:
    """Add a person who can own cases."""
    spoken = tuple(code.strip() for code in languages.split(",") if code.strip())
    handled = _kinds(kinds)

    def work(conn: Connection) -> Person:
        change = _change()
        known = {t.name: t for t in list_teams(conn)}
        if team in known and handled:
            raise PermanentError(f"the team {team} is there already: what it handles is changed at the desk")
        chosen = known.get(team) or found_team(conn, change, team, handled)
        above = _find(list_people(conn), lead).id if lead else None
        return add_colleague(conn, change, email, Profile(name, chosen.id, spoken, above))

    person = write_ledger(work)
    print(f"{person.name} <{person.email}> can own cases now.")


@app.command("list", epilog="Example: itaca people list --json")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each person.")] = False) -> None:
    """List everybody with team, languages, lead, presence today and open cases."""
    today = Calendar().today(datetime.now(UTC))
    roster = read_ledger(lambda conn: load_roster(conn, today))
    rows = [_row(person, roster) for person in roster.people.values()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(*(rows[0] if rows else ("name",)), box=None)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    print_table(table)


@app.command("absence", epilog="Example: itaca people absence anna@example.it 2026-08-03 2026-08-21")
def absence(
    email: Annotated[str, typer.Argument(help="Who is away.")],
    first_day: Annotated[str, typer.Argument(help="First day, YYYY-MM-DD.")],
    last_day: Annotated[str, typer.Argument(help="Last day, YYYY-MM-DD; included.")],
) -> None:
    """Note that somebody is away; new cases go to others meanwhile."""
    first, last = day_of(first_day), day_of(last_day)
    if last < first:
        raise typer.BadParameter(f"{last} comes before {first}", param_hint="LAST_DAY")
    write_ledger(lambda conn: correct_absence(conn, _change(), _find(list_people(conn), email).id, first, last))
    print(f"{email} is away from {first} to {last}.")


@app.command("invite", epilog="Example: itaca people invite anna@example.it --role agent")
def invite(
    email: Annotated[str, typer.Argument(help="Who shall use the desk.")],
    role: Annotated[Role, typer.Option(help="What they are at the desk.")] = Role.AGENT,
    hours: Annotated[int, typer.Option(help="For how long the link counts.", min=1, max=24 * 30)] = 72,
) -> None:
    """Print a link by which somebody chooses a password for the desk; it works once.

    Where passwords are for a few (ITACA_DESK_PASSWORDS_ONLY_FOR), others get the role and no link.
    """
    desk = load(service("desk").settings, os.environ)

    def work(conn: Connection) -> str:
        person = _find(list_people(conn), email)
        by, lasts = _change(), timedelta(hours=hours)
        path = invite_path(invite_person(conn, person.id, role, by.now, lasts, by.rng, client=by.client))
        if desk.takes_password_of(person.email):
            return path
        end_invitation(conn, person.id)
        return ""

    path = write_ledger(work)
    if path:
        print(f"Put the desk's address before it: {path}")
        return
    few = ", ".join(desk.passwords_only_for)
    print(f"{email} has the role {role.value} and signs in with the company's account; there is no link.")
    print(f"Passwords are for {few} only (ITACA_DESK_PASSWORDS_ONLY_FOR).")


def _change() -> Change:
    return Change(None, COMMAND_LINE, datetime.now(UTC), random.Random())


def _row(person: Person, roster: Roster) -> dict[str, object]:
    lead = roster.people[person.lead_id] if person.lead_id else None
    return {
        "name": person.name,
        "email": person.email,
        "team": roster.teams[person.team_id].name,
        "languages": ",".join(person.languages) or "any",
        "lead": lead.email if lead else "",
        "present": "yes" if person.is_present else "no",
        "open_cases": person.open_cases,
    }


def _find(people: list[Person], email: str) -> Person:
    for person in people:
        if person.email == email.lower():
            return person
    raise PermanentError(f"nobody has the address {email}; `itaca people list` shows everybody")


def _kinds(text: str) -> list[CaseKind]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(CaseKind)]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: kinds are {', '.join(CaseKind)}", param_hint="--kinds")
    return [CaseKind(name) for name in names]


@app.command(
    "hours",
    epilog='Example: itaca people hours everybody "mon-fri 9-13 14-18; sat 9-12" --province MI',
)
def hours(
    team: Annotated[str, typer.Argument(help="The team's name.")],
    periods: Annotated[str, typer.Argument(help="Its working hours, as in the example; - for the company's.")],
    province: Annotated[str, typer.Option(help="Its province's holidays and patron saint: MI, RM, ...")] = "",
    closed: Annotated[str, typer.Option(help="Its own closed days by commas: 12-07 every year, 2026-08-14.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of its wall clock.")] = "Europe/Rome",
    country: Annotated[str, typer.Option(help="Country of its holidays, two letters.")] = "IT",
) -> None:
    """Give a team its own working hours; dates promised from now on follow them."""
    days = tuple(day.strip() for day in closed.split(",") if day.strip())

    wanted = Timetable("") if periods == "-" else Timetable(periods, country, province, days, zone)

    def work(conn: Connection) -> None:
        known = {t.name: t for t in list_teams(conn)}
        if team not in known:
            raise PermanentError(f"no team is called {team}; there are {', '.join(sorted(known))}")
        set_hours(conn, _change(), known[team].id, wanted, team_version(known[team]))

    write_ledger(work)
    print(f"{team}: {'the company hours' if periods == '-' else periods}.")
