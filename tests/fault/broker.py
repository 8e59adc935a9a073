"""Faults of RabbitMQ: killed, frozen, alarmed, emptied, deleted under its readers, turned against us."""

import asyncio

from tests.fault import processes
from tests.fault.backdoor import delete, purge
from tests.fault.processes import revive
from tests.fault.site import Site

QUEUES = ("classifier.mail_received", "router.mail_classified")


async def absent_at_start(site: Site, seconds: float) -> None:
    """Every process starts while RabbitMQ is away; it comes later."""
    for stage in site.deployment.names:
        site.deployment.kill9(stage)
    site.rabbit.kill9()
    for stage in site.deployment.names:
        site.deployment.launch(stage)
    await asyncio.sleep(seconds)
    await started(site)


async def started(site: Site) -> None:
    """Start RabbitMQ, in this thread because it dies with the thread that started it, and wait beside the proxies."""
    site.rabbit.launch()
    await site.call(site.rabbit.wait_up)


async def killed(site: Site, times: int, every_s: float) -> None:
    """Kill RabbitMQ and start it again, several times."""
    for number in range(times):
        if number:
            await asyncio.sleep(every_s)
        site.rabbit.kill9()
        await started(site)


async def away(site: Site, seconds: float) -> None:
    """Kill RabbitMQ and start it again only later."""
    site.rabbit.kill9()
    await asyncio.sleep(seconds)
    await started(site)


async def frozen(site: Site, seconds: float) -> None:
    """Freeze RabbitMQ with SIGSTOP; the kernel still accepts connections for it."""
    site.rabbit.stop_s()
    try:
        await asyncio.sleep(seconds)
    finally:
        site.rabbit.cont()


async def restarted_in_order(site: Site) -> None:
    """Stop and start the application in RabbitMQ, then close all connections by command."""
    await site.ctl("stop_app")
    await site.ctl("start_app")
    await asyncio.sleep(3)
    await site.ctl("close_all_connections", "a fault planted by the tests")


async def alarmed(site: Site, alarm: str, seconds: float) -> None:
    """Raise the alarm of memory or disk, which blocks whoever publishes."""
    commands = {
        "memory": (("set_vm_memory_high_watermark", "absolute", "1MB"), ("set_vm_memory_high_watermark", "0.4")),
        "disk": (("set_disk_free_limit", "900GB"), ("set_disk_free_limit", "10MB")),
    }
    raising, ending = commands[alarm]
    await site.ctl(*raising)
    try:
        await asyncio.sleep(seconds)
    finally:
        await site.ctl(*ending)


async def emptied(site: Site, times: int) -> None:
    """Empty every queue, several times."""
    for _ in range(times):
        await purge(site, QUEUES)
        await asyncio.sleep(1)


async def queues_deleted(site: Site) -> None:
    """Delete the queues under their readers, and the exchange under its publishers."""
    await delete(site, (*QUEUES, "outcomes.orders"), exchange="outcomes")


async def refusing(site: Site, seconds: float) -> None:
    """Let the queues refuse whatever is published, by a policy that allows them one message."""
    policy = '{"max-length": 1, "overflow": "reject-publish"}'
    await site.ctl("set_policy", "-p", site.vhost, "--apply-to", "queues", "narrow", ".*", policy)
    site.deployment.kill9("classifier")
    try:
        await asyncio.sleep(seconds)
    finally:
        await site.ctl("clear_policy", "-p", site.vhost, "narrow")
    await revive(site, "classifier")


async def forbidden(site: Site, seconds: float) -> None:
    """Withdraw our permissions and cut the connections, so that each comes back and may do nothing."""
    user = "itaca"
    await site.ctl("set_permissions", "-p", site.vhost, user, "", "", "")
    await site.ctl("close_all_connections", "-p", site.vhost, "a fault planted by the tests")
    try:
        await asyncio.sleep(seconds)
    finally:
        await site.ctl("set_permissions", "-p", site.vhost, user, ".*", ".*", ".*")


async def impatient(site: Site, stage: str, seconds: float) -> None:
    """Hold a reader's messages beyond RabbitMQ's consumer timeout, cut down to four seconds."""
    await site.ctl("eval", _PATIENCE % ("4000", "1000"))
    await site.ctl("close_all_connections", "a fault planted by the tests")
    await site.ready(stage)
    try:
        await processes.frozen(site, stage, seconds)
    finally:
        await site.ctl("eval", _PATIENCE % ("1800000", "60000"))


_PATIENCE = (
    "application:set_env(rabbit, consumer_timeout, %s), application:set_env(rabbit, channel_tick_interval, %s)."
)
