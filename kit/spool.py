"""An answer of any size: received once, whole, on disk, and read line by line."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t
import zlib

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .errors import MalformedBodyError, StorageError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Self

ENCODINGS = "gzip"
"""What an answer may be compressed with on its way."""

UNCOMPRESSED = frozenset({"", "identity", "none", "utf-8", "utf8", "aws-chunked"})
"""What servers say, besides `identity`, of an answer that is as it is."""

CHUNK = 1 << 16
"""Bytes that are read at once: unpacked they may be a thousand times as many."""

_GZIP = 16 + zlib.MAX_WBITS
CONNECTION = (requests.RequestException, ConnectionError)


class Spool:
    """A body on disk, without a name: it is gone when closed.

    Args:
        file: The body.
        unfinished: What comes after the last end of a line.
    """

    def __init__(self, file: t.IO[bytes], unfinished: bytes) -> None:
        self._file = file
        self.unfinished = unfinished

    @classmethod
    def receive(
        cls,
        response: requests.Response,
        wanted: str,
        *,
        are_lines: bool = True,
    ) -> Self:
        """Write an answer to disk.

        Args:
            response: The answer, unread.
            wanted: What it should be, for a message.
            are_lines: Whether it is lines, and not one document that may have no end of a line
                at all. If HTTP does not tell where it ends, it must end with a whole line.

        Raises:
            MalformedBodyError: If it is a page, or was cut off.
        """
        try:
            file = tempfile.TemporaryFile(prefix="tap-")  # noqa: SIM115 - it outlives this
        except OSError as error:
            raise StorageError(error.strerror) from error
        try:
            unfinished = bytearray()
            for chunk in _decoded(response, wanted, may_be_a_page=not are_lines):
                file.write(chunk)
                if are_lines:
                    if b"\n" in chunk:
                        unfinished.clear()
                    unfinished += chunk[chunk.rfind(b"\n") + 1 :]
            file.flush()
            if unfinished and not _has_an_end(response):
                raise MalformedBodyError(wanted)  # noqa: TRY301 - the file is closed below
            return cls(file, bytes(unfinished))
        except BaseException as error:
            with contextlib.suppress(OSError):
                file.close()
            # Apart from what goes wrong with the connection, which is an OSError too.
            if isinstance(error, OSError) and not isinstance(error, CONNECTION):
                raise StorageError(error.strerror) from error
            raise

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def chunks(self) -> Iterator[bytes]:
        """Read it piece by piece; one reader at a time."""
        with self.open() as body:
            while chunk := body.read(CHUNK):
                yield chunk

    def rewrite(self, recode: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
        """Replace the body by what `recode` makes of it.

        Raises:
            StorageError: If there is no room for it.
        """
        try:
            file = tempfile.TemporaryFile(prefix="tap-")  # noqa: SIM115 - it outlives this
            file.writelines(recode(self.chunks()))
            file.flush()
        except OSError as error:
            raise StorageError(error.strerror) from error
        self._file.close()
        self._file = file

    def open(self) -> t.BinaryIO:
        """Open it at its start; one reader at a time."""
        self._file.seek(0)
        return os.fdopen(os.dup(self._file.fileno()), "rb", 1 << 20)

    def last_line(self) -> bytes:
        """The last line that holds something."""
        with self.open() as body:
            size, length = body.seek(0, os.SEEK_END), CHUNK
            while True:
                body.seek(max(0, size - length))
                _, end, line = body.read().rstrip().rpartition(b"\n")
                if end or length >= size:
                    return line
                length *= 8

    def lines(self) -> Iterator[tuple[int, bytes]]:
        r"""The lines that hold something, with their numbers from 1.

        Only `\n` ends a line: a text may hold U+2028 and U+0085, where a `str` would end one.
        """
        with self.open() as body:
            for number, line in enumerate(body, start=1):
                if line := line.strip():
                    yield number, line


def _decoded(response: requests.Response, wanted: str, *, may_be_a_page: bool) -> Iterator[bytes]:
    """The body as it was before it was compressed for the way.

    `requests` does not notice if what is compressed ends too early. Where the whole body is checked
    afterwards, it counts more than a header that calls it a page.
    """
    if not may_be_a_page and "html" in response.headers.get("Content-Type", "").lower():
        raise MalformedBodyError(wanted)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in UNCOMPRESSED:
        yield from _received(response)
    elif encoding in {"gzip", "x-gzip"}:
        yield from _unzipped(_received(response), wanted)
    else:
        raise MalformedBodyError(wanted)


def _received(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, with the exceptions that `requests` has for what goes wrong."""
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


def _unzipped(chunks: Iterable[bytes], wanted: str) -> Iterator[bytes]:
    unpack = zlib.decompressobj(_GZIP)
    is_begun = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if unpack.eof and not rest.strip(b"\0"):
                    # What fills up a block.
                    break
                # What is compressed may consist of several parts.
                unpack = zlib.decompressobj(_GZIP) if unpack.eof else unpack
                is_begun = True
                yield unpack.decompress(rest)
                rest = unpack.unused_data
    except zlib.error as error:
        raise MalformedBodyError(wanted) from error
    if is_begun and not unpack.eof:
        raise MalformedBodyError(wanted)


def _has_an_end(response: requests.Response) -> bool:
    """Whether HTTP says where the answer ends: then it is an error already if it was cut off."""
    headers = response.headers
    return "Content-Length" in headers or headers.get("Transfer-Encoding", "") == "chunked"
