"""Runs an ASGI application as a real HTTP server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from typing_extensions import Self

_TRANSPORT = "sandbox.transport"
_KEEP_ALIVE_SECONDS = 75
_START_SECONDS = 10.0
_DRAIN_SECONDS = 0.5


def abort_connection(scope: Scope) -> None:
    """Drop the connection of a request with a TCP reset, and whatever was not sent yet."""
    transport = _transport(scope)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def close_connection(scope: Scope) -> None:
    """Send what was written so far, then close the connection of a request."""
    _transport(scope).close()


def write_raw(scope: Scope, data: bytes) -> None:
    """Write HTTP to the connection of a request past the server, which then must not answer it."""
    _transport(scope).write(data)


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope["extensions"][_TRANSPORT]
    if not isinstance(transport, asyncio.Transport):
        message = "the request is not served by tests.sandbox.serving"
        raise TypeError(message)
    return transport


def _listener(port: int) -> socket.socket:
    """Listen on loopback.

    The protocol is named since asyncio sets TCP_NODELAY only where it is; without that, every
    small answer waits 40 ms for the client's acknowledgement of its head.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


class _Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1, which also tells the application its TCP connection.

    ASGI cannot close a connection in the middle of an answer. Servers in trouble do.
    """

    def connection_made(  # type: ignore[override]  # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        application: ASGIApp = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport


class Serving:
    """A running HTTP server on 127.0.0.1; a context manager.

    Idle connections are kept alive for 75 seconds, as behind a common load balancer. Leaving the
    context closes them within a second. If the application itself has failed (not the fault it was
    told to play, an exception nobody caught), leaving the context raises: a test must not pass on
    a broken sandbox.

    Args:
        application: The ASGI application.
        port: TCP port, or 0 for any free one.

    Attributes:
        failures: Exceptions that the application did not catch, in order.
    """

    def __init__(self, application: ASGIApp, port: int = 0) -> None:
        self.failures: list[Exception] = []
        self._application = application
        self._wanted_port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Base URL without a slash at the end; known once started.

        Raises:
            RuntimeError: The server was never started.
        """
        if self._port is None:
            message = "the server is not running"
            raise RuntimeError(message)
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, and return when requests are answered.

        Raises:
            RuntimeError: The server runs already, or does not come up within ten seconds.
            OSError: The port is taken.
        """
        if self._thread is not None:
            message = "the server is running already"
            raise RuntimeError(message)
        listener = _listener(self._wanted_port)
        self._port = listener.getsockname()[1]
        server = Server(
            Config(
                self._guarded,
                http=_Protocol,
                ws="none",
                loop="asyncio",
                interface="asgi3",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        thread = threading.Thread(
            target=server.run, args=([listener],), name=f"sandbox:{self._port}", daemon=True
        )
        self._server, self._thread = server, thread
        thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                message = "the sandbox's server did not start"
                raise RuntimeError(message)
            time.sleep(0.005)

    def stop(self) -> None:
        """Close every connection and end the thread; requests under way get half a second."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_DRAIN_SECONDS)
        self._server.force_exit = True
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.stop()
        if self.failures and error is None:
            message = f"the sandbox failed {len(self.failures)} times; the first time:"
            raise RuntimeError(message) from self.failures[0]

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._application(scope, receive, send)
        except ClientDisconnect:
            # Whoever asked was killed in the middle of it: nothing is wrong here.
            return
        except Exception as failure:
            self.failures.append(failure)
            raise
