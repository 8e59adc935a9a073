"""``itaca queues``: how full they are."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from itaca.broker.port import Broker, Depth
from itaca.broker.topology import TOPOLOGY, QueueName
from itaca.cli.ledger import ask_broker
from itaca.cli.output import print_json, print_table

EXAMPLE = "Example: itaca queues"


def queues(as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each queue.")] = False) -> None:
    """Show messages ready, waiting for a retry, and dead, for each queue of the flow."""

    async def work(broker: Broker) -> Sequence[tuple[QueueName, Depth]]:
        return [(queue.name, await broker.depth(queue.name)) for queue in TOPOLOGY]

    depths = ask_broker(work)
    if as_json:
        for name, depth in depths:
            print_json({"queue": name, **asdict(depth)})
        return
    table = Table("queue", "ready", "retrying", "dead", box=None)
    for name, depth in depths:
        table.add_row(name, str(depth.ready), str(depth.retrying), str(depth.dead))
    print_table(table)
