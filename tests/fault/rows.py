"""The table of faults: what each does to a running Itaca, and what must hold meanwhile.

In every row mail flows before, during and after the fault, nothing accepted may be lost, no customer may see anything
twice, no mail may be refused for good, and all books must balance at the end (``tests.fault.tally``). The ids are
those of the plan of tests: I ingest, C classifier, R publishing from the ledger, T router, N courier, S watch, D
desk, B RabbitMQ, P PostgreSQL, V lines, E relay, A everything, Q and K the embedded default.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from tests.fault import backdoor, broker, desk, embedded, ledger, ledger_disks, lines, processes
from tests.fault.site import Site


class Meanwhile(Enum):
    """What senders hear during the fault."""

    TAKES_ALL = "every mail is taken"
    MAY_PUT_OFF = "mail may be put off"


class Where(Enum):
    """What the fault is done to."""

    DISTRIBUTED = "a process for each stage, RabbitMQ, PostgreSQL"
    EMBEDDED = "one process, SQLite"


TAKES_ALL, MAY_PUT_OFF = Meanwhile.TAKES_ALL, Meanwhile.MAY_PUT_OFF


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        act: does it and undoes it; its end is the moment from which recovery is measured.
        is_sampled: also a test of ``make test``, which has no time for all of them.
        mails: at least so many are accepted in all, in a quicker stream.
        recovers_s: the longest time until everything is settled and sent; generous, because a busy machine starves.
    """

    id: str
    does: str
    meanwhile: Meanwhile
    act: Callable[[Site], Awaitable[None]]
    is_sampled: bool = False
    where: Where = Where.DISTRIBUTED
    mails: int = 0
    recovers_s: float = 600.0


def _killed_at(stage: str, *points: str) -> Callable[[Site], Awaitable[None]]:
    return lambda site: processes.killed_at(site, stage, *points)


def _line(where: str, mode: str, seconds: float) -> Callable[[Site], Awaitable[None]]:
    return lambda site: lines.bad(site, where, mode, seconds)


_COMMIT = ("before_commit", "in_commit", "after_commit")
_INGEST = ("before_commit@10", "in_commit@10", "after_commit@10", "before_publish@3", "after_publish@3")
_CLASSIFIER = ("before_publish@2", "after_publish@2", "before_ack@2", "after_ack@2")
_ROUTER = ("before_commit@2", "in_commit@2", "after_commit@3", "before_ack@2", "after_ack@2")
_COURIER = ("before_commit@10", "in_commit@10", "after_commit@10", "before_sending@3", "after_sending@3")

STREAM = 500
"""Mails that flow while a stage is killed at every point, or the queues are emptied."""

FAULTS: tuple[Fault, ...] = (
    # Our own processes
    Fault("I1-I4", "ingest killed before, in and after the commit, before and after publishing", MAY_PUT_OFF,
          _killed_at("ingest", *_INGEST), is_sampled=True, mails=STREAM),
    Fault("I5", "every third commit of ingest fails with an error nobody foresaw", MAY_PUT_OFF,
          partial(processes.hindered, stage="ingest", fault="before_commit@3=raise", seconds=6)),
    Fault("I6", "a commit of ingest takes 40 s; its sender hears 451 after 30", MAY_PUT_OFF,
          partial(processes.hindered, stage="ingest", fault="before_commit@5=sleep:40", seconds=45)),
    Fault("I7", "the sender's line cut in a mail and in the answer to it", MAY_PUT_OFF,
          partial(lines.cut, where="front", times=14)),
    Fault("I8", "ingest ended by SIGTERM while mail is in transfer", MAY_PUT_OFF,
          partial(processes.terminated, stage="ingest", times=3)),
    Fault("C1", "classifier killed in the middle of its work", TAKES_ALL,
          partial(processes.killed, stage="classifier", times=3)),
    Fault("C3", "the processes that judge mail killed again and again", TAKES_ALL,
          partial(processes.workers_killed, stage="classifier", seconds=6)),
    Fault("C3b", "the processes that read mail killed again and again", TAKES_ALL,
          partial(processes.workers_killed, stage="ingest", seconds=6)),
    Fault("C4-C6", "classifier killed before and after publishing and acknowledging", TAKES_ALL,
          _killed_at("classifier", *_CLASSIFIER), is_sampled=True, mails=STREAM),
    Fault("R1-R3", "watch killed before and after publishing what it drives again", TAKES_ALL,
          processes.watch_killed_driving, is_sampled=True, mails=STREAM),
    Fault("T1-T2", "router killed before, in and after the commit, before and after acknowledging", TAKES_ALL,
          _killed_at("router", *_ROUTER), is_sampled=True, mails=STREAM),
    Fault("T3", "two of each stage, and all unsettled mail driven again all the time", TAKES_ALL,
          partial(processes.doubled, seconds=10)),
    Fault("N1-N4", "courier killed before, in and after the commit, before and after sending", TAKES_ALL,
          _killed_at("courier", *_COURIER), is_sampled=True, mails=STREAM),
    Fault("N5", "courier killed before and after handing an order over", TAKES_ALL,
          _killed_at("courier", "before_publish@2", "after_publish@2"), mails=STREAM),
    Fault("S1", "watch killed before, in and after the commit", TAKES_ALL,
          _killed_at("watch", *(f"{point}@2" for point in _COMMIT)), mails=STREAM),
    Fault("S2", "watch killed before and after it acknowledges a dead letter", TAKES_ALL,
          processes.watch_killed_burying, is_sampled=True, mails=STREAM),
    Fault("S3", "router frozen for 20 s", TAKES_ALL, partial(processes.frozen, stage="router", seconds=20)),
    Fault("G5", "every process killed at the same moment", MAY_PUT_OFF, processes.all_killed),
    Fault("D1", "desk killed before, in and after the commits of people who answer customers", TAKES_ALL,
          desk.killed_answering),
    # RabbitMQ
    Fault("B1", "RabbitMQ absent while every process starts, for 15 s", MAY_PUT_OFF,
          partial(broker.absent_at_start, seconds=15)),
    Fault("B2", "RabbitMQ killed three times, 8 s apart", TAKES_ALL, partial(broker.killed, times=3, every_s=8)),
    Fault("B2b", "RabbitMQ away for a minute", TAKES_ALL, partial(broker.away, seconds=60), is_sampled=True),
    Fault("B3", "RabbitMQ stopped and started in order, then all its connections closed", TAKES_ALL,
          broker.restarted_in_order),
    Fault("B4", "RabbitMQ frozen for 8 s", TAKES_ALL, partial(broker.frozen, seconds=8)),
    Fault("B4b", "RabbitMQ frozen for 45 s, past the heartbeat", TAKES_ALL, partial(broker.frozen, seconds=45)),
    Fault("B5", "memory alarm of RabbitMQ for 20 s", TAKES_ALL,
          partial(broker.alarmed, alarm="memory", seconds=20)),
    Fault("B5b", "disk alarm of RabbitMQ for 20 s", TAKES_ALL, partial(broker.alarmed, alarm="disk", seconds=20)),
    Fault("B6", "queues and the exchange deleted under their readers", TAKES_ALL, broker.queues_deleted),
    Fault("B6b", "every queue emptied four times", TAKES_ALL, partial(broker.emptied, times=4), is_sampled=True,
          mails=STREAM),
    Fault("B8", "queues refuse what is published for 10 s", TAKES_ALL, partial(broker.refusing, seconds=10)),
    Fault("B10", "consumer timeout of RabbitMQ, cut to 4 s, while the router is frozen", TAKES_ALL,
          partial(broker.impatient, stage="router", seconds=12)),
    Fault("B12", "our permissions withdrawn for 10 s", TAKES_ALL, partial(broker.forbidden, seconds=10)),
    Fault("B13", "messages that are none of ours in every queue, and ten copies of ours", TAKES_ALL,
          backdoor.rogue_messages),
    # PostgreSQL
    Fault("P1", "PostgreSQL killed for 3 s", MAY_PUT_OFF, ledger.killed),
    Fault("P1b", "PostgreSQL killed in the commit, three times", MAY_PUT_OFF,
          partial(ledger.killed_in_the_commit, times=3), is_sampled=True),
    Fault("P2", "PostgreSQL frozen for 40 s", MAY_PUT_OFF, partial(ledger.frozen, seconds=40)),
    Fault("P3", "lines to PostgreSQL cut in requests and in answers, commits among them", MAY_PUT_OFF,
          partial(lines.cut, where="ledger", times=14)),
    Fault("P4", "all connections ended by the administrator, ten times", MAY_PUT_OFF,
          partial(ledger.terminated, times=10)),
    Fault("P4b", "PostgreSQL read-only for 8 s", MAY_PUT_OFF, partial(ledger.read_only, seconds=8)),
    Fault("P4c", "mails and outbox locked for 15 s", MAY_PUT_OFF, partial(ledger.locked, seconds=15)),
    Fault("P4d", "every connection of PostgreSQL taken by others for 8 s", MAY_PUT_OFF,
          partial(ledger.crowded, seconds=8)),
    Fault("P5", "the disk of PostgreSQL's tables full for 8 s", MAY_PUT_OFF,
          partial(ledger_disks.tables_without_room, seconds=8)),
    Fault("P5b", "the disk of PostgreSQL's write-ahead log full for 8 s, of which it dies", MAY_PUT_OFF,
          partial(ledger_disks.log_without_room, seconds=8)),
    # Lines
    Fault("V1", "lines to RabbitMQ cut in requests and in answers", TAKES_ALL,
          partial(lines.cut, where="broker", times=14)),
    Fault("V1b", "lines to RabbitMQ refused for 10 s", TAKES_ALL, _line("broker", "refuse", 10)),
    Fault("V1c", "lines to RabbitMQ stalled for 10 s", TAKES_ALL, _line("broker", "freeze", 10)),
    Fault("V1d", "lines to RabbitMQ dead without a word", TAKES_ALL, partial(lines.dead, where="broker")),
    Fault("V1e", "lines to RabbitMQ slowed to 300 ms a packet for 10 s", TAKES_ALL, _line("broker", "delay:300", 10)),
    Fault("V1f", "lines to RabbitMQ half closed for 5 s", TAKES_ALL, _line("broker", "half_close", 5)),
    Fault("V2", "lines to PostgreSQL refused for 10 s", MAY_PUT_OFF, _line("ledger", "refuse", 10)),
    Fault("V2b", "lines to PostgreSQL stalled for 10 s", MAY_PUT_OFF, _line("ledger", "freeze", 10)),
    Fault("V2c", "lines to PostgreSQL dead without a word", MAY_PUT_OFF, partial(lines.dead, where="ledger")),
    Fault("V2d", "lines to PostgreSQL slowed to 300 ms a packet for 10 s", MAY_PUT_OFF,
          _line("ledger", "delay:300", 10)),
    Fault("V2e", "lines to PostgreSQL half closed for 5 s", MAY_PUT_OFF, _line("ledger", "half_close", 5)),
    Fault("V3", "the sender's line at 2,000 bytes a second for 10 s", MAY_PUT_OFF,
          _line("front", "trickle:2000", 10)),
    Fault("V3b", "the sender's line half closed for 5 s", MAY_PUT_OFF, _line("front", "half_close", 5)),
    Fault("V4", "the line to the relay cut in requests and in answers", TAKES_ALL,
          partial(lines.cut, where="relay", times=14)),
    Fault("V4b", "the line to the relay stalled for 25 s, beyond the courier's patience", TAKES_ALL,
          _line("relay", "freeze", 25)),
    Fault("E1", "the relay hangs up instead of answering the final dot", TAKES_ALL,
          partial(lines.relay_hangs_up, seconds=4), is_sampled=True),
    Fault("E1b", "the relay puts every mail off for 5 s", TAKES_ALL, partial(lines.relay_puts_off, seconds=5)),
    # The embedded default
    Fault("G5b", "the one process killed three times", MAY_PUT_OFF, partial(processes.killed, stage="up", times=3),
          where=Where.EMBEDDED),
    Fault("I2b", "the one process killed before, in and after a commit", MAY_PUT_OFF,
          _killed_at("up", *(f"{point}@15" for point in _COMMIT)), where=Where.EMBEDDED),
    Fault("Q1", "SQLite locked by another process for 12 s", MAY_PUT_OFF, partial(embedded.locked, seconds=12),
          where=Where.EMBEDDED),
    Fault("Q2", "the ledger's file taken away for 5 s", MAY_PUT_OFF, partial(embedded.taken_away, seconds=5),
          where=Where.EMBEDDED),
    Fault("K1", "the disk full for 8 s", MAY_PUT_OFF, partial(embedded.disk_full, seconds=8),
          where=Where.EMBEDDED),
)  # fmt: skip


def fault_named(name: str) -> Fault:
    """Return the row of this id.

    Raises:
        KeyError: there is none.
    """
    return {fault.id: fault for fault in FAULTS}[name]
