"""People and teams at the desk: what each role may change, what is refused in words, and what is written down."""

from datetime import date
from html import unescape

import httpx

from itaca.storage import tables as t
from itaca.storage.desk_events import COMMAND_LINE
from itaca.storage.people import list_people, list_teams
from itaca.storage.staff import Change, correct_absence
from itaca.storage.team_changes import Timetable
from tests.support.desk_site import PASSWORD, Site
from tests.support.desk_web import fill_in, save, sign_in, version_on

WEEK = ["8.30-13, 14-18"] * 5 + ["9-12", ""]


async def person(site: Site, name: str):
    """Return somebody as the ledger has them."""
    known = await site.ledger.database.read(list_people)
    return next(one for one in known if one.name == name)


async def timetable(site: Site, team_id: str) -> Timetable:
    """Return when a team works."""
    known = await site.ledger.database.read(list_teams)
    return Timetable.of(next(one for one in known if one.id == team_id))


async def test_an_admin_adds_changes_and_lets_go(site: Site, web: httpx.AsyncClient) -> None:
    """A colleague begins, gets a lead, leaves, and comes back; each step stands in the trail with its doer."""
    await sign_in(web, "Giulia Ferri")
    marco, team = site.people["Marco Gallo"], site.people["Anna Neri"].team_id
    added = await save(
        web, "/people", "/people", email="Chiara@bottega.example", name="Chiara  Bassi", team=team, languages="de"
    )
    path = added.headers["location"].partition("?")[0]
    assert (await save(web, path, path, name="Chiara Bassi", team=team, lead=marco.id)).status_code == 303
    found = await person(site, "Chiara Bassi")
    assert (found.email, found.lead_id, found.languages) == ("chiara@bottega.example", marco.id, ())
    assert (await save(web, path, f"{path}/leave")).headers["location"] == f"{path}?done=left"
    assert not (await person(site, "Chiara Bassi")).is_active
    people = (await web.get("/people")).text
    assert people.index("Chi non lavora più qui") < people.index(">Chiara Bassi</a>")
    await save(web, path, f"{path}/return")
    assert (await person(site, "Chiara Bassi")).is_active
    by = site.people["Giulia Ferri"].id
    written = [row.kind for row in await site.routed.rows(t.desk_events, by_id=by)]
    assert sorted(written) == ["languages_set", "lead_given", "left", "person_added", "returned"]


async def test_what_was_done_at_the_command_line_is_shown(site: Site, web: httpx.AsyncClient) -> None:
    """From where, and what, although nobody is named."""
    ledger, anna = site.ledger, site.people["Anna Neri"]
    by = Change(None, COMMAND_LINE, ledger.clock.now(), ledger.rng)
    days = (date(2026, 8, 3), date(2026, 8, 21))
    await ledger.database.write(lambda c: correct_absence(c, by, anna.id, *days))
    await sign_in(web, "Giulia Ferri")
    trail = (await web.get("/people")).text.partition('id="door"')[2]
    (line,) = [one for one in trail.split("<tr>") if "Riga di comando" in one]
    assert "Anna Neri" in line
    assert "3 ago 2026 → " in unescape(line)


async def test_an_address_is_changed_and_its_person_follows(site: Site, web: httpx.AsyncClient) -> None:
    """Sign-in by the new one with the old password; the session of before goes on; another's is refused."""
    await sign_in(web, "Giulia Ferri")
    anna = site.people["Anna Neri"]
    page = f"/people/{anna.id}"
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as hers:
        await sign_in(hers, "Anna Neri")
        taken = await save(web, page, f"{page}/address", email=site.people["Marco Gallo"].email)
        assert (taken.status_code, "già di un'altra persona" in unescape(taken.text)) == (409, True)
        assert 'name="email" required maxlength="254" autocomplete="off" value="marco@bottega.example"' in taken.text
        done = await save(web, page, f"{page}/address", email=" Anna.Rossi@bottega.example ")
        assert done.headers["location"] == f"{page}?done=address"
        assert "Da ora accede con il nuovo indirizzo" in (await web.get(done.headers["location"])).text
        assert (await hers.get("/cases")).status_code == 200
        assert (await sign_in(hers, "Anna Neri")).status_code == 403
        new = {"email": "anna.rossi@bottega.example", "password": PASSWORD}
        assert (await fill_in(hers, "/sign-in", new)).status_code == 303
    assert "anna@bottega.example → anna.rossi@bottega.example" in (await web.get("/people")).text


async def test_refusals_are_sentences(site: Site, web: httpx.AsyncClient) -> None:
    """What was typed is shown again beside the reason."""
    await sign_in(web, "Giulia Ferri")
    giulia, anna = site.people["Giulia Ferri"], site.people["Anna Neri"]
    path = f"/people/{giulia.id}"
    circle = await save(web, path, path, name="Giulia F.", team=giulia.team_id, lead=anna.id)
    assert (circle.status_code, "l'uno all'altro" in unescape(circle.text)) == (409, True)
    assert 'value="Giulia F."' in circle.text
    own = await save(web, path, path, name="Giulia", team=giulia.team_id, lead=giulia.id)
    assert "responsabile di sé stesso" in own.text
    taken = await save(web, "/people", "/people", email=anna.email, name="Un altro", team=anna.team_id)
    assert "già di un'altra persona" in unescape(taken.text)
    assert 'value="Un altro"' in taken.text
    days = {"first_day": "2026-03-10", "last_day": "2026-03-12"}
    away = f"/people/{anna.id}/absence"
    assert (await save(web, "/people", away, **days)).status_code == 303
    assert "c'è già un'assenza" in unescape((await save(web, "/people", away, **days)).text)
    assert (await save(web, "/people", away, first_day="", last_day="ieri")).status_code == 400


async def test_the_second_of_two_saves_is_not_lost(site: Site, web: httpx.AsyncClient) -> None:
    """It is refused, shows what it says now, keeps what was typed, and can be sent again."""
    await sign_in(web, "Giulia Ferri")
    anna = site.people["Anna Neri"]
    path = f"/people/{anna.id}"
    old = version_on((await web.get(path)).text)
    await save(web, path, path, name="Anna Neri Rossi", team=anna.team_id)
    late = await save(web, path, path, name="Anna N.", team=anna.team_id, version=old)
    assert late.status_code == 409
    assert "Adesso c'è scritto: Anna Neri Rossi, Servizio Clienti, risponde a nessuno." in unescape(late.text)
    assert 'value="Anna N."' in late.text
    again = await save(web, path, path, name="Anna N.", team=anna.team_id, version=version_on(late.text))
    assert again.status_code == 303


async def test_the_second_of_two_timetables_is_not_lost(site: Site, web: httpx.AsyncClient) -> None:
    """Whoever did not see the hours of today does not replace them."""
    await sign_in(web, "Giulia Ferri")
    page = f"/teams/{site.people['Anna Neri'].team_id}"
    seen = version_on((await web.get(page)).text)
    assert (await save(web, page, f"{page}/hours", whose="own", day=WEEK)).status_code == 303
    lost = await save(web, page, f"{page}/hours", whose="own", day=["9-10"] * 5, version=seen)
    assert lost.status_code == 409
    assert "lun–ven 8:30–13, 14–18; sab 9–12" in lost.text
    assert 'value="9-10"' in lost.text
    assert (await timetable(site, site.people["Anna Neri"].team_id)).hours == "mon-fri 8:30-13 14-18; sat 9-12"


async def test_a_lead_sets_hours_of_the_own_team_and_absences_of_the_own_people(
    site: Site, web: httpx.AsyncClient
) -> None:
    """Of others they set nothing, and each attempt is written down."""
    await sign_in(web, "Marco Gallo")
    anna, giulia, paolo = (site.people[name] for name in ("Anna Neri", "Giulia Ferri", "Paolo Conti"))
    days = {"first_day": "2026-03-10", "last_day": "2026-03-12"}
    away = [await save(web, "/people", f"/people/{one.id}/absence", **days) for one in (anna, giulia, paolo)]
    assert [answer.status_code for answer in away] == [303, 403, 403]
    assert (await save(web, "/people", f"/people/{anna.id}/back", first_day="2026-03-10")).status_code == 303
    form = {"whose": "own", "day": WEEK, "closed": "24/12, 14.8.2026", "province": "milano", "country": "IT"}
    own, other = (f"/teams/{one.team_id}" for one in (anna, paolo))
    assert (await save(web, "/people", f"{other}/hours", **form)).status_code == 403
    assert (await save(web, own, f"{own}/hours", **form)).status_code == 303
    closed = ["12-24", "2026-08-14"]
    assert await timetable(site, anna.team_id) == Timetable("mon-fri 8:30-13 14-18; sat 9-12", "IT", "MI", closed)
    assert (await save(web, "/people", own, name="Mia")).status_code == 403
    assert (await site.events()).count("denied") == 4


async def test_what_cannot_be_read_is_named(site: Site, web: httpx.AsyncClient) -> None:
    """Nothing is guessed, nothing is kept, and what was typed is there to be mended."""
    await sign_in(web, "Giulia Ferri")
    page = f"/teams/{site.people['Anna Neri'].team_id}"
    for field, value, says in (
        ("day", ["9-8", "", "", "", "", "ieri", ""], "lunedì, sabato"),
        ("day", [""] * 7, "lunedì, martedì"),
        ("closed", "natale", "natale"),
        ("closed", "31/2", "31/2"),
        ("province", "Atlantide", "Atlantide"),
        ("country", "XX", "XX"),
        ("zone", "Europe/Atlantide", "Europe/Atlantide"),
    ):
        form = {"whose": "own", "day": WEEK, "closed": "24/12", field: value}
        answer = await save(web, page, f"{page}/hours", **form)
        assert (answer.status_code, f"Non si capisce: {says}" in answer.text) == (409, True)
    assert (await timetable(site, site.people["Anna Neri"].team_id)).hours == ""


async def test_a_team_begins_and_goes_back_to_the_hours_of_the_company(site: Site, web: httpx.AsyncClient) -> None:
    """Its name is its own; the list says what each takes and when it works."""
    await sign_in(web, "Giulia Ferri")
    assert "C'è già una squadra" in unescape((await save(web, "/teams", "/teams", name="Sistemi")).text)
    added = await save(web, "/teams", "/teams", name="Resi", kinds=["complaint"])
    page = added.headers["location"].partition("?")[0]
    await save(web, page, f"{page}/hours", whose="own", day=WEEK)
    assert "lun–ven 8:30–13, 14–18; sab 9–12" in (await web.get("/teams")).text
    await save(web, page, f"{page}/hours", whose="company")
    await save(web, page, page, name="Resi e rimborsi", kinds=["complaint", "order"])
    listed = (await web.get("/teams")).text
    assert "Resi e rimborsi" in listed
    assert "8:30" not in listed
    trail = (await web.get("/people")).text
    assert "Resi (reclamo) → Resi e rimborsi (reclamo, ordine)" in trail
    assert "Resi: – → lun-ven 8:30-13 14-18; sab 9-12" in trail


async def test_the_chain_is_shown_from_the_top(site: Site, web: httpx.AsyncClient) -> None:
    """Everybody under whom they answer to, and who gets the next case."""
    await sign_in(web, "Paolo Conti")
    text = (await web.get("/chain")).text
    assert text.index("Giulia Ferri") < text.index("Marco Gallo") < text.index("<strong>Anna Neri")
    assert text.count("<dd>Anna Neri</dd>") == 3
