"""Acknowledging in few frames, and never one message too many."""

import random

import pytest

from itaca.broker.amqp_session import AmqpSession


class RecordingChannel:
    """Stands for the driver's channel: keeps the frames and what they acknowledge."""

    def __init__(self, tags: int) -> None:
        self.frames: list[tuple[int, bool]] = []
        self.waits: list[bool] = []
        self.unacknowledged = set(range(1, tags + 1))
        self.is_broken = False

    async def basic_ack(self, delivery_tag: int, multiple: bool = False, wait: bool = True) -> None:
        if self.is_broken:
            raise RuntimeError("the channel is closed")
        self.frames.append((delivery_tag, multiple))
        self.waits.append(wait)
        covered = {tag for tag in self.unacknowledged if tag <= delivery_tag} if multiple else {delivery_tag}
        self.unacknowledged -= covered


def session_of(tags: int) -> tuple[AmqpSession, RecordingChannel]:
    channel = RecordingChannel(tags)
    session = AmqpSession(channel, 1.0)  # type: ignore[arg-type]
    session.outstanding.update(dict.fromkeys(range(1, tags + 1)))
    return session, channel


async def test_a_whole_batch_is_one_frame() -> None:
    """A hundred messages settled together are acknowledged by one frame, which waits for the socket."""
    session, channel = session_of(100)

    await session.ack(list(range(100, 0, -1)))

    assert channel.frames == [(100, True)]
    assert channel.waits == [True]


async def test_a_hole_stops_the_common_frame() -> None:
    """Beyond a message in hand each is acknowledged alone; settling it later covers it."""
    session, channel = session_of(6)

    await session.ack([1, 2, 4, 6])
    assert channel.frames == [(2, True), (4, False), (6, False)]
    assert channel.unacknowledged == {3, 5}
    await session.ack([3, 5])

    assert channel.frames[-1] == (5, True)
    assert channel.unacknowledged == set()


@pytest.mark.parametrize("seed", range(20))
async def test_exactly_what_was_settled_is_acknowledged(seed: int) -> None:
    """However the settlements come, RabbitMQ holds as unacknowledged exactly what nobody has settled."""
    rng = random.Random(seed)
    session, channel = session_of(60)
    unsettled = set(range(1, 61))

    while unsettled:
        chosen = rng.sample(sorted(unsettled), rng.randint(1, len(unsettled)))
        unsettled -= set(chosen)
        await session.ack(chosen + chosen[:1])
        assert channel.unacknowledged == unsettled == set(session.outstanding)


async def test_a_lost_acknowledgement_is_no_error() -> None:
    """An acknowledgement on a broken channel is forgotten: the message comes again anyway."""
    session, channel = session_of(3)
    channel.is_broken = True

    await session.ack([1, 2])

    assert channel.frames == []
    assert set(session.outstanding) == {3}


async def test_nothing_is_sent_after_the_end() -> None:
    """A session that is over sends no frame: its tags belong to a channel that is gone."""
    session, channel = session_of(3)
    session.is_over = True

    await session.ack([1, 2, 3])

    assert channel.frames == []
