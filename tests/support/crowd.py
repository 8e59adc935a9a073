"""A crowd of idle SMTP connections in a process of its own: ``python -m tests.support.crowd PORT COUNT``.

Each connection waits for its greeting and then says nothing. When all were greeted the number of them is printed;
they stay until standard input ends.
"""

import asyncio
import resource
import sys

_AT_ONCE = 100
_DEADLINE_S = 300.0


async def gather(port: int, count: int) -> int:
    """Open ``count`` connections, at most a hundred at a time on their way, and return how many were greeted."""
    places = asyncio.Semaphore(_AT_ONCE)
    crowd: list[asyncio.StreamWriter] = []

    async def enter() -> bool:
        async with places:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            crowd.append(writer)
            return (await reader.readline()).startswith(b"220")

    async with asyncio.timeout(_DEADLINE_S):
        greeted = sum(await asyncio.gather(*(enter() for _ in range(count))))
    print(greeted, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for writer in crowd:
        writer.transport.abort()
    return greeted


def main() -> None:
    """Raise the limit on open files as far as this machine allows, and gather."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(gather(int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
