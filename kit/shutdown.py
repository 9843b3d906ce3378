"""How a run ends that a signal stops: after a whole message, with its state, and not with 0."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.singerlib.messages import RecordMessage

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib.messages import Message


BUFFER_SIZE = 1 << 16
"""Bytes of records that wait to be written, about as many as a pipe holds."""

LONGEST_WAIT = 1.0
"""Seconds that a record waits at most, however long the next one takes to come."""


class AtomicWriter(MsgSpecWriter):
    """Writes messages whole and in order, and acts on a signal only between two of them.

    A signal can arrive in the middle of a message that a slow target has taken half of. The state
    that is written then would be glued to that half.

    Records wait in a buffer until it is full, a second is over, or another message comes: so no
    state is ahead of its records. Writing each of them alone would cost more than making it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._pending: Callable[[], None] | None = None
        self._buffer = bytearray()
        self._has_records = threading.Event()
        self._writing = threading.Lock()
        self._timer: threading.Thread | None = None

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Delay a signal's action until the block has ended."""
        self._depth += 1
        try:
            yield
        finally:
            self._end_of_block()

    def _end_of_block(self) -> None:
        self._depth -= 1
        if not self._depth and (pending := self._pending):
            self._pending = None
            pending()

    def write_message(self, message: Message) -> None:
        """Write a message with the records before it; a record waits for others."""
        if isinstance(message, RecordMessage):
            self.write_record(message.to_dict())
            return
        with self.uninterrupted(), self._writing:
            self._buffer += self.format_message(message)
            self._write_buffer()

    def write_record(self, message: Mapping[str, t.Any]) -> None:
        """Have a record written, given as the members of its message."""
        # Without `uninterrupted`, which would take as long as all else here.
        self._depth += 1
        try:
            with self._writing:
                buffer = self._buffer
                begin = len(buffer)
                try:
                    encoder.encode_into(message, buffer, begin)
                except BaseException:
                    del buffer[begin:]
                    raise
                buffer += b"\n"
                if len(buffer) >= BUFFER_SIZE:
                    self._write_buffer()
                elif not begin:
                    self._start_timer()
        finally:
            self._end_of_block()

    def flush(self) -> None:
        """Write the records that wait."""
        with self.uninterrupted(), self._writing:
            self._write_buffer()

    def _write_buffer(self) -> None:
        self._has_records.clear()
        while self._buffer:
            # Where Python does not buffer (PYTHONUNBUFFERED, as in many containers), a write that
            # a signal interrupts has written a part, and the rest is up to us.
            del self._buffer[: sys.stdout.buffer.write(self._buffer)]
        sys.stdout.flush()

    def _start_timer(self) -> None:
        self._has_records.set()
        if not self._timer:
            self._timer = threading.Thread(target=self._write_by_time, daemon=True)
            self._timer.start()

    def _write_by_time(self) -> None:
        """Write the records that have waited; a signal's action waits for the lock meanwhile.

        What cannot be written stays, so that the next message runs into the same.
        """
        while self._has_records.wait():
            time.sleep(LONGEST_WAIT)
            with self._writing, contextlib.suppress(OSError):
                self._write_buffer()

    def run_after_message(self, action: Callable[[], None]) -> None:
        """Run the action now, or after the message that is being written."""
        if self._depth:
            self._pending = action
        else:
            action()


def exit_by_signal(signum: int) -> t.NoReturn:
    """End the process that a signal stops, with the exit code 128 + signal.

    The SDK ends with 0, which a pipeline takes for a sync that read everything; and an ordinary
    exit would first wait for the requests that are under way.
    """
    sys.stdout.flush()
    logging.shutdown()
    os._exit(128 + signum)
