"""Faults of our own processes: killed, frozen, ended, or failing at a chosen point."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from tests.fault.backdoor import take_messages, tell_dead
from tests.fault.site import Site

DIES_WITHIN_S = 120.0


async def killed_at(site: Site, stage: str, *points: str) -> None:
    """Kill the stage with SIGKILL at each point in turn (see ``tests.support.crashing``), then start it again."""
    for point in points:
        site.deployment.kill9(stage)
        await dies_at(site, stage, point)
    await revive(site, stage)


async def dies_at(site: Site, stage: str, point: str) -> None:
    """Start the stage and wait until it has killed itself."""
    site.deployment.launch(stage, point)
    status = await asyncio.to_thread(site.deployment.wait_dead, stage, DIES_WITHIN_S)
    assert status == -signal.SIGKILL, f"{stage} ended with {status}: {site.deployment.log(stage)[-1000:]}"


async def revive(site: Site, *stages: str) -> None:
    """Start these stages and wait until they are ready."""
    for stage in stages:
        site.deployment.launch(stage)
    await site.ready(*stages)


async def killed(site: Site, stage: str, times: int) -> None:
    """Kill the stage in the middle of whatever it does, and start it again, several times."""
    for _ in range(times):
        await asyncio.sleep(1)
        site.deployment.kill9(stage)
        await revive(site, stage)


async def all_killed(site: Site) -> None:
    """Kill every process at the same moment, as a power cut would, and start them again."""
    for stage in site.deployment.names:
        site.deployment.processes[stage].kill()
    for stage in site.deployment.names:
        site.deployment.kill9(stage)
    await revive(site, *site.deployment.names)


async def terminated(site: Site, stage: str, times: int) -> None:
    """Ask the stage to end while mail is in transfer; it ends with 0 and is started again."""
    for _ in range(times):
        process = site.deployment.processes[stage]
        process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(process.wait, 40)
        assert status == 0, f"{stage} ended with {status}"
        await revive(site, stage)


async def frozen(site: Site, stage: str, seconds: float) -> None:
    """Freeze the stage with SIGSTOP."""
    process = site.deployment.processes[stage]
    process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)


async def hindered(site: Site, stage: str, fault: str, seconds: float) -> None:
    """Run the stage for some time with a fault that it survives, then as it is."""
    site.deployment.kill9(stage)
    site.deployment.launch(stage, fault)
    await site.ready(stage)
    await asyncio.sleep(seconds)
    site.deployment.kill9(stage)
    await revive(site, stage)


async def workers_killed(site: Site, stage: str, seconds: float) -> None:
    """Kill the processes that read or judge mail for the stage, again and again."""
    pid = site.deployment.processes[stage].pid
    deadline = asyncio.get_running_loop().time() + seconds
    killed_workers = 0
    while asyncio.get_running_loop().time() < deadline:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.kill(int(child), signal.SIGKILL)
                killed_workers += 1
        await asyncio.sleep(0.4)
    assert killed_workers, f"{stage} has no workers"


async def doubled(site: Site, seconds: float) -> None:
    """Run two of each stage that reads, while every unsettled mail is driven again all the time."""
    second = [f"{stage}.2" for stage in ("classifier", "router", "courier", "watch")]
    await revive(site, *second)
    for _ in range(int(seconds / 0.5)):
        await everything_due(site)
        await asyncio.sleep(0.5)
    for name in second:
        site.deployment.kill9(name)


async def everything_due(site: Site) -> None:
    """Let the watch drive every unsettled mail in its next round."""
    await site.sql("UPDATE mails SET drive_at = 0 WHERE settled_at IS NULL")


async def watch_killed_driving(site: Site) -> None:
    """The classifier is dead and mail is driven again; the watch is killed around that publish."""
    site.deployment.kill9("classifier")
    site.deployment.kill9("watch")
    await asyncio.sleep(2)
    for point in ("before_publish@1", "after_publish@1"):
        await everything_due(site)
        await dies_at(site, "watch", point)
    await revive(site, "watch", "classifier")


async def watch_killed_burying(site: Site) -> None:
    """Letters lie among the dead; the watch is killed before and after it acknowledges one."""
    site.deployment.kill9("classifier")
    site.deployment.kill9("watch")
    await asyncio.sleep(2)
    await tell_dead(site, "classifier.mail_received", await take_messages(site, "classifier.mail_received", 6))
    for point in ("before_letter@1", "after_letter@2"):
        await dies_at(site, "watch", point)
    await revive(site, "watch", "classifier")
