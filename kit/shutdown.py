"""How a run ends that a signal stops: after a whole message, with its state, and not with 0."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.singerlib.messages import Message


class AtomicWriter(MsgSpecWriter):
    """Writes each message whole, and acts on a signal only between two messages.

    A signal can arrive in the middle of a message that a slow target has taken half of. The state
    that is written then would be glued to that half.
    """

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._pending: Callable[[], None] | None = None

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Delay a signal's action until the block has ended."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if not self._depth and (pending := self._pending):
            self._pending = None
            pending()

    def write_message(self, message: Message) -> None:
        """Write a message, and then run an action that waits for its end."""
        with self.uninterrupted():
            # A copy: the SDK encodes the next message into the same buffer.
            line = bytes(self.format_message(message))
            written = 0
            # Where Python does not buffer (PYTHONUNBUFFERED, as in many containers), a write that
            # a signal interrupts has written a part, and the rest is up to us.
            while written < len(line):
                written += sys.stdout.buffer.write(line[written:])
            sys.stdout.flush()

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
