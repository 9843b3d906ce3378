"""Start a tap's command without the second that Python takes to import it.

The tests start a tap some two thousand times, and most of their time would go into imports. So a
process for each worker of pytest imports both taps once, and forks itself for each command. What is
forked runs the file of the command with its own arguments, environment and pipes, and ends as any
other process of Python.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import math
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import typing_extensions

PRELOADED = ("tap_clari.tap", "tap_gladly.tap")
LARGEST_REQUEST = 1 << 20
GLANCE = 0.05
"""Seconds."""
STATUS = 4
"""Bytes of a process id, and of an exit code."""


class Forked:
    """A command that runs in a process of its own, as far as the tests use subprocess.Popen."""

    def __init__(self, command: Sequence[str], log: int, environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self._answers, answering = os.pipe()
        request = json.dumps([command, dict(environment), str(Path.cwd())]).encode()
        socket.send_fds(_server(), [request], [writing, log, answering])
        os.close(writing)
        os.close(answering)
        self._output = os.fdopen(reading, encoding="utf-8")
        self.stdout: t.IO[str] | None = self._output
        self.args = command
        self.pid = self._answer()
        self.returncode: int | t.Any = None
        self._waiting = threading.Lock()

    def _answer(self) -> int:
        return int.from_bytes(os.read(self._answers, STATUS), sys.byteorder, signed=True)

    def poll(self) -> int | None:
        """The exit code, or None while it runs; the negative signal if one ended it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, for so many seconds at most.

        Raises:
            subprocess.TimeoutExpired: If it still runs then.
        """
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            # Briefly, since another thread may wait as well, or ask.
            with self._waiting:
                if self.returncode is not None:
                    return t.cast("int", self.returncode)
                left = max(0.0, min(end - time.monotonic(), GLANCE))
                if select.select([self._answers], [], [], left)[0]:
                    self.returncode = self._answer()
                elif time.monotonic() >= end:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Read its output to the end. After so many seconds it is killed.

        Raises:
            subprocess.TimeoutExpired: If it had to be killed.
        """
        timer = threading.Timer(timeout or threading.TIMEOUT_MAX, self.kill)
        timer.daemon = True
        timer.start()
        out = self._output.read()
        in_time = timer.is_alive()
        timer.cancel()
        self.wait()
        if not in_time:
            raise subprocess.TimeoutExpired(self.args, timeout or 0, out)
        return out, None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            # It may end at this moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> typing_extensions.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._output.close()
        self.wait()
        os.close(self._answers)


@functools.cache
def _server() -> socket.socket:
    """The process that forks, reached by this end of a socket; it ends with the other end."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, "-m", "tests.forking", str(its.fileno())],
        pass_fds=[its.fileno()],
        start_new_session=True,
        cwd=Path(__file__).parents[1],
    )
    its.close()
    return ours


def serve(requests: socket.socket) -> list[str]:
    """Fork for each request. Returns in what is forked, with the command that it is to run.

    Between the two is a process that waits for the command's end, so that this one need not.
    """
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, files, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 3)
        if not request:
            sys.exit()
        if not os.fork():
            break
        for file in files:
            os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    requests.close()
    command, environment, folder = json.loads(request)
    out, log, answers = files
    pid = os.fork()
    if pid:
        os.close(out)
        os.write(answers, pid.to_bytes(STATUS, sys.byteorder))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(answers, code.to_bytes(STATUS, sys.byteorder, signed=True))
        os._exit(0)
    os.dup2(out, 1)
    os.dup2(log, 2)
    for file in files:
        os.close(file)
    os.chdir(folder)
    if _of_python(environment) != _of_python(os.environ):
        # Python reads these when it starts, so it has to start.
        os.execve(command[0], command, environment)  # noqa: S606 -- no shell is wanted
    os.environ.clear()
    os.environ.update(environment)
    return t.cast("list[str]", command)


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name.startswith("PYTHON") and value
    }


if __name__ == "__main__":
    sys.argv = serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_path(sys.argv[0], run_name="__main__")
