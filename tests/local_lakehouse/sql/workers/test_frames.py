"""Tests that messages between processes arrive complete, even with concurrent senders."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from local_lakehouse.sql.workers.frames import Channel, ClosedError

pytestmark = pytest.mark.once


@pytest.fixture
def channels() -> Iterator[tuple[Channel, Channel]]:
    left, right = (Channel(end) for end in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def test_message_arrives_unchanged(channels: tuple[Channel, Channel]) -> None:
    channels[0].send({"sql": "SELECT 'ä\n'", "n": 2**40})
    assert channels[1].receive() == {"sql": "SELECT 'ä\n'", "n": 2**40}


def test_message_transfers_file_descriptors(channels: tuple[Channel, Channel]) -> None:
    read, write = os.pipe()
    channels[0].send({"a": 1}, [write])
    message, (received,) = channels[1].receive_with_descriptors()
    os.write(received, b"x")
    assert (message, os.read(read, 1)) == ({"a": 1}, b"x")
    for descriptor in (read, write, received):
        os.close(descriptor)


def test_concurrent_messages_arrive_complete(channels: tuple[Channel, Channel]) -> None:
    bodies = [str(number) * 200_000 for number in range(8)]
    threads = [threading.Thread(target=channels[0].send, args=({"body": body},)) for body in bodies]
    for thread in threads:
        thread.start()
    received = [channels[1].receive()["body"] for _ in bodies]
    for thread in threads:
        thread.join()
    assert sorted(received) == bodies


def test_closed_channel_raises_an_error_at_the_other_end(channels: tuple[Channel, Channel]) -> None:
    channels[0].shut()
    with pytest.raises(ClosedError):
        channels[1].receive()
    with pytest.raises(ClosedError):
        channels[1].send({"a": "x" * 10**6})
