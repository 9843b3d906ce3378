"""`python -m tests.bench.floor KIND URL`: the least that reading records over HTTP costs.

An answer is decoded, each record becomes a Singer line, and that is all: no check, no retry, no
pace, no state.
"""

from __future__ import annotations

import sys
import typing as t

import msgspec
import requests

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE_SIZE = 100


class Message(msgspec.Struct, tag="RECORD"):
    """A Singer line."""

    stream: str
    record: dict[str, t.Any]
    time_extracted: str


def calls(url: str) -> Iterator[dict[str, t.Any]]:
    """The pages of the list."""
    skip = 0
    with requests.Session() as session:
        while True:
            response = session.get(url, params={"skip": str(skip), "limit": str(PAGE_SIZE)})
            found = msgspec.json.decode(response.content)["calls"]
            yield from found
            skip += PAGE_SIZE
            if len(found) < PAGE_SIZE:
                return


def activities(url: str) -> Iterable[dict[str, t.Any]]:
    """The document."""
    document = requests.get(url, timeout=60).content
    for record in msgspec.json.decode(document, type=dict[str, list[msgspec.Raw]])["activities"]:
        yield msgspec.json.decode(record)


def items(url: str) -> Iterator[dict[str, t.Any]]:
    """The lines of the file."""
    with requests.get(url, stream=True, timeout=60) as response:
        for line in response.raw:
            yield msgspec.json.decode(line)


def main() -> None:
    """Write a line for each record."""
    kind, url = sys.argv[1:]
    encode = msgspec.json.Encoder().encode
    for record in globals()[kind](url):
        sys.stdout.buffer.write(encode(Message(kind, record, "2026-01-01T00:00:00Z")) + b"\n")


if __name__ == "__main__":
    main()
