"""Does every row of the table of faults and writes what was measured into ``docs/reliability.md``.

Usage: ``python -m tests.fault [--only ID ...] [--keep-page] [--pause S] [--folder PATH]``; ``make faults`` runs it.
Exit code 1 if any row lost or doubled anything, or could not be brought to rest; 2 if RabbitMQ or PostgreSQL is not
installed.
"""

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from itaca.errors import ItacaError
from tests.fault.disks import NotPossibleError
from tests.fault.measuring import PAUSE_S, Figures, Sites, measure, open_sites
from tests.fault.page import write
from tests.fault.rows import FAULTS, Fault, fault_named
from tests.support.postgres import find_programs, fresh_server
from tests.support.rabbitmq import SCRIPTS, RabbitServer

FAILURES = (AssertionError, TimeoutError, OSError, subprocess.SubprocessError, ItacaError)


def main() -> int:
    """Run the rows and return the exit code."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="ID", default=[], help="rows to run; all if none is named")
    parser.add_argument("--keep-page", action="store_true", help="leave docs/reliability.md as it is")
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds between two mails of a sender")
    parser.add_argument("--folder", type=Path, help="an empty folder for logs and data, which is kept")
    options = parser.parse_args()
    faults = [fault_named(name) for name in options.only] or list(FAULTS)
    if find_programs() is None or not (SCRIPTS / "rabbitmq-server").exists():
        print("RabbitMQ and PostgreSQL are needed: the Debian packages rabbitmq-server and postgresql")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: what was started here is stopped
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="itaca-faults-")))
        postgres = stack.enter_context(contextlib.contextmanager(fresh_server)())
        (folder / "rabbitmq").mkdir()
        rabbit = RabbitServer(folder / "rabbitmq")
        stack.callback(rabbit.close)
        rabbit.start()

        async def run() -> int:
            async with open_sites(folder, rabbit, postgres) as sites:
                return await run_all(sites, faults, options.pause, keeps_page=options.keep_page)

        return asyncio.run(run())


async def run_all(sites: Sites, faults: Sequence[Fault], pause_s: float, *, keeps_page: bool) -> int:
    """Do every row in turn; return 1 if any failed."""
    failed = []
    for number, fault in enumerate(faults, 1):
        print(f"{number:3}/{len(faults)}  {fault.id:6} {fault.does} ...", flush=True)
        try:
            figures: Figures | str = await measure(await sites.get(fault.where), fault, pause_s)
        except NotPossibleError as error:
            figures = f"not possible here: {error}"
        except FAILURES as error:
            figures = f"FAILED: {type(error).__name__}: {error}".replace("|", "/").replace("\n", " ")[:300]
        print(f"         {describe(figures)}", flush=True)
        if not is_good(figures):
            failed.append(fault.id)
            await sites.give_up(fault.where)
        if not keeps_page:
            write(fault, figures)
    print(
        f"{len(faults) - len(failed)} of {len(faults)} rows hold"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


def describe(figures: Figures | str) -> str:
    """Return one line about a row's figures."""
    if isinstance(figures, str):
        return figures
    counted = figures.tally
    counts = (
        f"{counted.accepted} accepted, {counted.settled} settled, {counted.lost} lost, {counted.duplicates} doubled"
    )
    return f"{counts}, {figures.put_off} put off, {figures.recovered_s:.1f} s " + "; ".join(counted.problems)


def is_good(figures: Figures | str) -> bool:
    """Say whether nothing was lost or doubled and the books balance; what is not possible here is no failure."""
    return figures.startswith("not possible") if isinstance(figures, str) else figures.tally.is_clean


if __name__ == "__main__":
    sys.exit(main())
