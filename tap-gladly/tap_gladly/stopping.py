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


class WholeMessageWriter(MsgSpecWriter):
    """Writes messages fast, and lets nothing come between the two ends of one.

    A signal can arrive in the middle of a message that a slow target has taken half of. The state
    that is written then would be glued to that half.
    """

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._afterwards: Callable[[], None] | None = None

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Let what is done here come to its end, a message and all that belongs to it."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if not self._depth and (afterwards := self._afterwards):
            self._afterwards = None
            afterwards()

    def write_message(self, message: Message) -> None:
        """Write a message, and then do what has been waiting for its end."""
        with self.whole(), memoryview(self.format_message(message)) as line:
            written = 0
            # Where Python does not buffer (PYTHONUNBUFFERED, as in many containers), a write that
            # a signal interrupts has written a part, and it is up to us to write the rest.
            while written < len(line):
                written += sys.stdout.buffer.write(line[written:])
            sys.stdout.flush()

    def between_messages(self, action: Callable[[], None]) -> None:
        """Do it now, or when the message is whole that is being written."""
        if self._depth:
            self._afterwards = action
        else:
            action()


def exit_at_once(signum: int) -> t.NoReturn:
    """End the process that a signal stops, and say so in its exit code.

    The SDK ends with 0, which a pipeline takes for a sync that read everything; and an ordinary
    exit would first wait for the requests that are under way.
    """
    sys.stdout.flush()
    logging.shutdown()
    os._exit(128 + signum)
