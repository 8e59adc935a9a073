"""Waiting for a fact with a deadline, instead of sleeping for a guess."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.02


async def until(fact: Callable[[], Awaitable[bool] | bool], what: str, timeout_s: float = 30.0) -> None:
    """Return when ``fact`` holds; it may be a function or a coroutine function.

    Raises:
        AssertionError: it does not hold within ``timeout_s`` seconds; ``what`` says what was expected.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        found = fact()
        if found if isinstance(found, bool) else await found:
            return
        assert loop.time() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(LOOK_EVERY_S)
