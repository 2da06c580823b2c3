"""Messages between processes, sent over a local socket as JSON documents with a length prefix."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any

from local_lakehouse import system

_LENGTH = struct.Struct("!I")
_DESCRIPTORS = 8

Message = dict[str, Any]


class ClosedError(ConnectionError):
    """The process at the other end has ended."""


class Channel:
    """One end of a connection between two processes.

    Args:
        end: A connected stream socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        # Two threads can send at the same time, because one thread can interrupt a statement while another thread is
        # sending a command.
        self._sending = threading.Lock()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message and, optionally, the open files of the given descriptors.

        Raises:
            ClosedError: The other process has ended.
        """
        payload = json.dumps(message).encode()
        frame = _LENGTH.pack(len(payload)) + payload
        try:
            with self._sending:
                if descriptors:
                    # A socket sends descriptors only together with data, so they accompany the first byte.
                    system.send_descriptors(self._socket, frame[:1], descriptors)
                    frame = frame[1:]
                self._socket.sendall(frame)
        except OSError as error:
            raise ClosedError("The other process has ended.") from error

    def receive(self) -> Message:
        """Wait for a message.

        Raises:
            ClosedError: The other process has ended.
        """
        message: Message = json.loads(self._exactly(_LENGTH.unpack(self._exactly(_LENGTH.size))[0]))
        return message

    def receive_with_descriptors(self) -> tuple[Message, list[int]]:
        """Wait for a message, and return it with the descriptors of the open files that were sent with it.

        Raises:
            ClosedError: The other process has ended.
        """
        try:
            first, descriptors = system.receive_descriptors(self._socket, 1, _DESCRIPTORS)
        except OSError as error:
            raise ClosedError("The other process has ended.") from error
        if not first:
            raise ClosedError("The other process has ended.")
        length = first + self._exactly(_LENGTH.size - 1)
        return json.loads(self._exactly(_LENGTH.unpack(length)[0])), descriptors

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._socket.recv(min(size - len(parts), 2**20))
            except OSError as error:
                raise ClosedError("The other process has ended.") from error
            if not part:
                raise ClosedError("The other process has ended.")
            parts += part
        return bytes(parts)

    def fileno(self) -> int:
        """Return the socket's descriptor, for `select`."""
        return self._socket.fileno()

    def shut(self) -> None:
        """Close the connection, so that both processes stop waiting."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


def channel_of(descriptor: int) -> Channel:
    """Return the channel for an inherited descriptor."""
    os.set_inheritable(descriptor, False)
    return Channel(socket.socket(fileno=descriptor))
