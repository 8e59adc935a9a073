"""The pages *Systems*: which other systems are told what happens here, and what became of each attempt."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right
from itaca.storage.deliveries import log_page, redeliver, send_test
from itaca.storage.desk_events import DoorEvent
from itaca.storage.staff import Change
from itaca.storage.webhook_secrets import keyring_here
from itaca.storage.webhooks import (
    HAND_OFFS,
    LONGEST_URL,
    WebhookEvent,
    add_webhook,
    end_webhook,
    is_receiver,
    list_webhooks,
    load_webhook,
    pause_webhook,
    resume_webhook,
    rotate_secret,
)
from services.desk.desk import Desk
from services.desk.door import DeskHere, NotFoundError, Visitor, allowed, change_by
from services.desk.places import pager, place_by_id

router = APIRouter(prefix="/webhooks")
Keeper = Annotated[Visitor, Depends(allowed(Right.SYSTEMS))]
Text = Annotated[str, Form()]


@router.get("")
async def webhooks(desk: DeskHere, visitor: Keeper, done: str = "") -> Response:
    """Show every subscription, those that ended last."""
    return await _show_all(desk, visitor, done=done)


@router.post("")
async def add(
    request: Request,
    desk: DeskHere,
    visitor: Keeper,
    url: Text = "",
    event: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Subscribe a system; the secret is shown on the page that answers, and never again."""
    chosen = {WebhookEvent(one) for one in event if one in set(WebhookEvent)}
    if not is_receiver(url.strip()):
        return await _show_all(desk, visitor, problem="url", url=url[:LONGEST_URL], events=chosen)
    if not chosen:
        return await _show_all(desk, visitor, problem="events", url=url)
    change = change_by(request, visitor)

    def work(conn: Connection) -> tuple[str, str]:
        made, secret = add_webhook(conn, url.strip(), chosen, change.now, desk.rng, keyring_here(conn, desk.shared))
        _write_down(conn, change, DoorEvent.WEBHOOK_ADDED, made.id)
        return made.id, secret

    webhook_id, secret = await desk.database.write(work)
    return await _show(desk, visitor, webhook_id, secret=secret)


@router.get("/{webhook_id}")
async def webhook(
    desk: DeskHere, visitor: Keeper, webhook_id: str, after: str = "", before: str = "", done: str = ""
) -> Response:
    """Show one subscription with its log, page by page."""
    return await _show(desk, visitor, webhook_id, after, before, done=done)


@router.post("/{webhook_id}/pause")
async def pause(request: Request, desk: DeskHere, visitor: Keeper, webhook_id: str) -> Response:
    """Send it nothing more until it is resumed; what happens meanwhile waits."""
    now = desk.clock.now()
    return await _change(
        request, desk, visitor, webhook_id, DoorEvent.WEBHOOK_PAUSED, lambda c: pause_webhook(c, webhook_id, now)
    )


@router.post("/{webhook_id}/resume")
async def resume(request: Request, desk: DeskHere, visitor: Keeper, webhook_id: str) -> Response:
    """Send again, at once what has waited."""
    now = desk.clock.now()
    return await _change(
        request, desk, visitor, webhook_id, DoorEvent.WEBHOOK_RESUMED, lambda c: resume_webhook(c, webhook_id, now)
    )


@router.post("/{webhook_id}/end")
async def end(request: Request, desk: DeskHere, visitor: Keeper, webhook_id: str) -> Response:
    """End it for ever; its log stays."""
    now, because = desk.clock.now(), f"ended by {visitor.account.name}"
    return await _change(
        request,
        desk,
        visitor,
        webhook_id,
        DoorEvent.WEBHOOK_ENDED,
        lambda c: end_webhook(c, webhook_id, because, now),
    )


@router.post("/{webhook_id}/secret")
async def rotate(request: Request, desk: DeskHere, visitor: Keeper, webhook_id: str) -> Response:
    """Make a new secret, shown on the page that answers; the old one signs beside it for a day."""
    change = change_by(request, visitor)

    def work(conn: Connection) -> str:
        secret = rotate_secret(conn, webhook_id, change.now, keyring_here(conn, desk.shared))
        _write_down(conn, change, DoorEvent.SECRET_CHANGED, webhook_id)
        return secret

    return await _show(desk, visitor, webhook_id, secret=await desk.database.write(work))


@router.post("/{webhook_id}/test")
async def test(desk: DeskHere, visitor: Keeper, webhook_id: str) -> Response:
    """Send an event that says nothing, to see whether somebody answers."""
    now, rng = desk.clock.now(), desk.rng
    await desk.database.write(lambda conn: send_test(conn, webhook_id, now, rng))
    return RedirectResponse(f"/webhooks/{webhook_id}?done=sent", 303)


@router.post("/{webhook_id}/deliveries/{delivery_id}/again")
async def again(desk: DeskHere, visitor: Keeper, webhook_id: str, delivery_id: str) -> Response:
    """Send the event of an attempt once more, with the same id."""
    now, rng = desk.clock.now(), desk.rng
    await desk.database.write(lambda conn: redeliver(conn, webhook_id, delivery_id, now, rng))
    return RedirectResponse(f"/webhooks/{webhook_id}?done=sent", 303)


async def _change(
    request: Request,
    desk: Desk,
    visitor: Visitor,
    webhook_id: str,
    event: DoorEvent,
    change: Callable[[Connection], bool],
) -> Response:
    """Change a subscription and write down who did; what was so already is left as it is."""
    by = change_by(request, visitor)

    def work(conn: Connection) -> None:
        if change(conn):
            _write_down(conn, by, event, webhook_id)

    await desk.database.write(work)
    return RedirectResponse(f"/webhooks/{webhook_id}?done=changed", 303)


def _write_down(conn: Connection, change: Change, event: DoorEvent, webhook_id: str) -> None:
    """Write into the trail which system was meant: by its host, as the rest of an address may hold a key."""
    found = load_webhook(conn, webhook_id)
    host = (urlsplit(found.url).hostname or "") if found else ""
    change.note(conn, event, None, f"{host} {webhook_id}".strip())


async def _show_all(
    desk: Desk,
    visitor: Visitor,
    problem: str = "",
    url: str = "",
    events: set[WebhookEvent] | None = None,
    done: str = "",
) -> Response:
    found = await desk.database.read(list_webhooks)
    ranked = sorted(found, key=lambda one: one.ended_at is not None)
    values = {"visitor": visitor, "here": "webhooks", "webhooks": ranked, "problem": problem, "done": done}
    values |= {"url": url, "chosen": events or set(), "events": list(WebhookEvent), "hand_offs": HAND_OFFS}
    return desk.pages.page("webhooks.html", visitor.language, values, 400 if problem else 200)


async def _show(
    desk: Desk,
    visitor: Visitor,
    webhook_id: str,
    after: str = "",
    before: str = "",
    secret: str = "",
    done: str = "",
) -> Response:
    place = place_by_id(after, before)
    found = await desk.database.read(lambda conn: (load_webhook(conn, webhook_id), log_page(conn, webhook_id, place)))
    if found[0] is None:
        raise NotFoundError("no subscription has this id")
    values = {"visitor": visitor, "here": "webhooks", "webhook": found[0], "page": found[1], "secret": secret}
    values |= {"pager": pager(found[1], lambda one: one.delivery.id, f"/webhooks/{webhook_id}"), "done": done}
    return desk.pages.page("webhook.html", visitor.language, values)
