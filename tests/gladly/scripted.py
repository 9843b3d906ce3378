"""A server that answers as it is told, byte by byte: for what the sandbox does not play."""

from __future__ import annotations

import threading
import typing as t
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if t.TYPE_CHECKING:
    from typing_extensions import Self


class Answer(t.NamedTuple):
    """What is answered, with status 200 and the right Content-Length.

    One that breaks off comes in chunks, has this body, and then the connection is closed: before
    the end of a chunk, or between two.
    """

    body: bytes
    headers: dict[str, str]
    breaks_off: t.Literal["in a chunk", "between chunks"] | None = None


class Scripted:
    """A server while it is open; whatever is asked of it, it gives one answer after the other.

    Args:
        *answers: The answers.

    Attributes:
        left: The answers that were not given yet.
        asked: What was asked for, as it was sent: path and query.
    """

    def __init__(self, *answers: Answer) -> None:
        self.left = deque(answers)
        self.asked: list[str] = []
        left, asked = self.left, self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append(self.path)
                answer = left.popleft()
                self.send_response(200)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.breaks_off is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                missing = 99 if answer.breaks_off == "in a chunk" else 0
                self.wfile.write(b"%x\r\n%b" % (len(answer.body) + missing, answer.body))
                self.wfile.write(b"" if missing else b"\r\n")
                self.close_connection = True

            do_GET = do_POST = _answer  # noqa: N815 - names of the library

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
