"""Stands for the vendor's hosts over real TLS, for clients that know no other address.

Use::

    with GladlySandbox() as gladly, GladlyHosts(gladly) as hosts:
        environment = {"HTTPS_PROXY": hosts.proxy_url, "REQUESTS_CA_BUNDLE": str(hosts.ca_bundle)}
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from typing_extensions import Self

    from tests.sandbox.gladly import GladlySandbox

_HOSTS = ("acme.gladly.com", "acme.us-1.gladly.com", "acme.gladly.qa")
_CHUNK = 1 << 16


class GladlyHosts:
    """An HTTP proxy that leads to a sandbox, which must be open before this is.

    Its certificate is valid for the names alone.

    Attributes:
        hosts: The host that each CONNECT asked for, in order, also those that were refused.
        ca_bundle: The certificate of the authority, as a PEM file; there while this is open.
    """

    def __init__(self, gladly: GladlySandbox, names: tuple[str, ...] = _HOSTS) -> None:
        self.hosts: list[str] = []
        self.ca_bundle = Path()
        self._gladly = gladly
        self._names = names
        self._proxy_port = self._tls_port = 0
        self._target = 0
        self._loop = asyncio.new_event_loop()
        self._ends: set[asyncio.StreamWriter] = set()
        self._joined: set[asyncio.Task[None]] = set()
        self._folder: TemporaryDirectory[str] | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox:hosts", daemon=True)
        self._started = threading.Event()
        self._ended = asyncio.Event()

    @property
    def proxy_url(self) -> str:
        """What HTTPS_PROXY must be; known while this is open."""
        return f"http://127.0.0.1:{self._proxy_port}"

    def __enter__(self) -> Self:
        self._target = urlsplit(self._gladly.url).port or 0
        self._folder = TemporaryDirectory(prefix="gladly-hosts-")
        self.ca_bundle = Path(self._folder.name) / "ca.pem"
        self._thread.start()
        if not self._started.wait(10):
            message = "the hosts did not start"
            raise RuntimeError(message)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)
        if self._folder is not None:
            self._folder.cleanup()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_bundle)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._names).configure_cert(context)
        tls = await asyncio.start_server(self._hosted, "127.0.0.1", 0, ssl=context)
        proxy = await asyncio.start_server(self._proxied, "127.0.0.1", 0)
        self._tls_port = tls.sockets[0].getsockname()[1]
        self._proxy_port = proxy.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        tls.close()
        proxy.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._joined)

    async def _hosted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead a connection whose TLS ends here to the sandbox."""
        await self._join(reader, writer, self._target)

    async def _proxied(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead a connection that asks for one of the hosts to where its TLS ends."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.close()
            return
        method, _, rest = head.decode("latin-1").partition(" ")
        host = rest.partition(" ")[0].rpartition(":")[0]
        self.hosts.append(host)
        if method != "CONNECT" or host not in self._names:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._join(reader, writer, self._tls_port)

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        """Join a connection to a port of this machine until either end is closed."""
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, far_writer}
        for task in (
            asyncio.create_task(_pass(reader, far_writer)),
            asyncio.create_task(_pass(far_reader, writer)),
        ):
            self._joined.add(task)
            task.add_done_callback(self._joined.discard)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until the end of it; a broken connection breaks the other."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        writer.transport.abort()
    else:
        writer.close()
