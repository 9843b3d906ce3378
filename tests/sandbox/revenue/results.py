"""Result files: what an export found, frozen, and written out bit by bit."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rows = Callable[[], Iterator[Any]]
    """Gives the rows of a list anew, the same each time."""

SHAPES = frozenset({"document", "list", "data", "rows", "records", "results", "unknown"})


class Result:
    """What one export found; the lists are made whenever they are read and never kept.

    ``main`` names the list that the export is about; all lists are in their order.
    """

    def __init__(self, main: str, lists: dict[str, Rows]) -> None:
        self._main = main
        self._lists = lists

    def document(self) -> dict[str, Any]:
        """Return everything as one Python object."""
        return {name: list(rows()) for name, rows in self._lists.items()}

    def longer_than(self, count: int) -> bool:
        """Tell whether the main list has more rows than that."""
        return any(True for _ in islice(self._lists[self._main](), count, None))

    def chunks(self, shape: str, max_rows: int | None) -> Iterator[bytes]:
        """Write the file, piece by piece, in one of the `SHAPES`.

        The main list is cut after ``max_rows``; None for never.
        """
        main = self._lists[self._main]
        if shape == "unknown":
            count = sum(1 for _ in islice(main(), max_rows))
            document = {"summary": {"rows": count}, "payload": {"format": "columns", "columns": {}}}
            yield msgspec.json.encode(document)
        elif shape == "list":
            yield from _list(main(), max_rows)
        elif shape == "document":
            opening = b"{"
            for name, rows in self._lists.items():
                yield opening + msgspec.json.encode(name) + b":"
                yield from _list(rows(), max_rows if name == self._main else None)
                opening = b","
            yield b"}"
        else:
            yield b'{"%b":' % shape.encode()
            yield from _list(main(), max_rows)
            yield b"}"


def _list(rows: Iterator[Any], max_rows: int | None) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    opening = b"["
    for row in islice(rows, max_rows):
        yield opening + encode(row)
        opening = b","
    yield b"[]" if opening == b"[" else b"]"
