"""Events to bytes and back; what cannot be read is a PermanentError with a fixed text."""

from typing import TypeVar

from pydantic import ValidationError

from itaca.contracts.events import MAX_EVENT_BYTES, Event
from itaca.errors import PermanentError

E = TypeVar("E", bound=Event)


def encode(event: Event) -> bytes:
    """Return the event as UTF-8 JSON.

    Raises:
        PermanentError: it is larger than MAX_EVENT_BYTES; the maker of the event must cut its text first.
    """
    body = event.model_dump_json(exclude_defaults=False).encode()
    if len(body) > MAX_EVENT_BYTES:
        raise PermanentError(f"an event of {len(body)} bytes is over the limit of {MAX_EVENT_BYTES}")
    return body


def decode(kind: type[E], body: bytes) -> E:
    """Read an event of the given kind.

    Raises:
        PermanentError: not JSON, another kind or version, or over the size limit. The text names no content.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise PermanentError(f"a message of {len(body)} bytes is over the limit of {MAX_EVENT_BYTES}")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        fields = ", ".join(sorted({str(e["loc"][0]) if e["loc"] else "body" for e in error.errors()}))
        raise PermanentError(f"the message is no {kind.__name__} of version 1: {fields}") from None
