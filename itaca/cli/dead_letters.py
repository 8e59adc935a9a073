"""``itaca dead-letters``: what no stage could handle; the watch takes these over by itself."""

from collections.abc import Sequence
from typing import Annotated

import typer

from itaca.broker.port import Broker, DeadLetter
from itaca.broker.topology import TOPOLOGY, QueueName, queue_named
from itaca.cli.ledger import ask_broker
from itaca.cli.output import print_json
from itaca.errors import PermanentError

app = typer.Typer(
    help="List, show and retry messages that no stage could handle. The watch turns them into review cases.",
    no_args_is_help=True,
)
_MOST = 1000


@app.command("list", epilog="Example: itaca dead-letters list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each.")] = False) -> None:
    """List the dead letters of every queue."""
    letters = ask_broker(_all_letters)
    for letter in letters:
        if as_json:
            print_json(_row(letter))
        else:
            print(f"{letter.queue} #{letter.position}  {letter.died_at}  {len(letter.body)} bytes  {letter.reason}")
    if not letters and not as_json:
        print("No dead letters.")


@app.command("show", epilog="Example: itaca dead-letters show router.mail_classified 0")
def show(
    queue: Annotated[str, typer.Argument(help="The queue's name.")],
    position: Annotated[int, typer.Argument(help="Its number in the list.", min=0)],
) -> None:
    """Print the body of one dead letter."""
    name = _queue(queue)

    async def work(broker: Broker) -> Sequence[DeadLetter]:
        return await broker.dead_letters(name, position + 1)

    letters = [letter for letter in ask_broker(work) if letter.position == position]
    if not letters:
        typer.echo(f"{queue} has no dead letter number {position}", err=True)
        raise typer.Exit(1)
    print(letters[0].body.decode("utf-8", "replace"))


@app.command("retry", epilog="Example: itaca dead-letters retry router.mail_classified")
def retry(
    queue: Annotated[str, typer.Argument(help="The queue's name.")],
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=_MOST)] = 100,
) -> None:
    """Send dead letters back to their queue: after the fault that killed them was mended."""
    name = _queue(queue)

    async def work(broker: Broker) -> int:
        letters = await broker.take_dead_letters(name, limit)
        for letter in letters:
            await letter.retry("sent back by the command line")
        return len(letters)

    print(f"{ask_broker(work, timeout_s=60)} sent back to {queue}.")


async def _all_letters(broker: Broker) -> list[DeadLetter]:
    return [letter for queue in TOPOLOGY for letter in await broker.dead_letters(queue.name, _MOST)]


def _row(letter: DeadLetter) -> dict[str, object]:
    return {
        "queue": letter.queue,
        "position": letter.position,
        "died_at": letter.died_at,
        "reason": letter.reason,
        "size_bytes": len(letter.body),
    }


def _queue(name: str) -> QueueName:
    try:
        return queue_named(name).name
    except KeyError:
        names = ", ".join(queue.name for queue in TOPOLOGY)
        raise PermanentError(f"no queue is called {name}; there are {names}") from None
