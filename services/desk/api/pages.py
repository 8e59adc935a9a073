"""Lists by pages: a cursor that names the last one seen, so that nothing is skipped or shown twice."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str,
    Query(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$", description="`next` of the page before."),
]


def next_cursor(ids: Sequence[str], limit: int) -> str | None:
    """Return the cursor of the next page; None after the last.

    Args:
        ids: those of this page, in its order.
    """
    return ids[-1] if len(ids) == limit else None
