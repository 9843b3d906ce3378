"""A JSON document of any size, cleaned piece by piece of what no reader of JSON takes."""

from __future__ import annotations

import codecs
import re
import typing as t

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NUMBER = 300
"""Digits. A longer number ends the process: the C library below `ijson` has no room for it."""

_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % LONGEST_NUMBER)

_PIECES = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^"]+', re.DOTALL)
"""A text, whose end may be yet to come, or what stands between two texts."""

_IN_TEXT = re.compile(
    r"[\x00-\x1f]"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
    r"|\\.",
    re.DOTALL,
)
"""A raw control character, a pair of surrogates, a lone surrogate, or another escape."""

_NO_NUMBER = re.compile(rf"-?Infinity|NaN|-?[0-9]{{{LONGEST_NUMBER},}}[0-9.eE+-]*")
_LONE_SURROGATE = 6
"""Characters of an escape such as `\\ud83d`."""


PIECE = 1 << 20
"""Bytes of a document that are looked at together."""

LARGEST_RECORD = 16 * PIECE
"""Bytes without an end of a record in them, after which a list is read in another way."""

_TEXT = rb'"(?:[^"\\]|\\.)*"'
_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*(%b)\s*:\s*)?\[\s*(?=(\{\s*%b))" % (_TEXT, _TEXT))
"""The begin of a list of objects that is a whole document, or its only member."""


NEAR = 1 << 16
"""Bytes at the end of a piece in which most records end."""

SEAMS_TRIED = 10
"""Places that may be between two records."""

_END_OF_LIST = re.compile(rb"\]\s*\Z")
_END_OF_OBJECT = re.compile(rb"\]\s*\}\s*\Z")


class ListPieces(t.NamedTuple):
    """A document that is nothing but a list that begins with an object, cut between objects.

    Args:
        name: The name of the list; `None` if the document is the list itself.
        places: Where each piece begins, and how long it is: sound JSON but for the brackets.
    """

    name: str | None
    places: list[tuple[int, int]]


def cut_list(document: t.BinaryIO) -> ListPieces | None:
    """Cut a document into pieces of a megabyte that can be decoded alone; `None` for any other.

    A piece that begins with a record and is sound JSON in brackets ends with one: so it is enough
    to look for what may be the end of a record.
    """
    rest = document.read(PIECE)
    begin = _LIST.match(rest)
    if not begin or not _is_sound(begin[1] or b""):
        return None
    name, first = begin.groups()
    offset, rest = begin.end(), rest[begin.end() :]
    seam = re.compile(rb"(?<=\})\s*,\s*(?=%b)" % re.escape(first))
    places = []
    while more := document.read(PIECE):
        rest += more
        if last := _last_seam(rest, seam):
            places.append((offset, last.start()))
            offset, rest = offset + last.end(), rest[last.end() :]
        elif len(rest) > LARGEST_RECORD:
            return None
    end = (_END_OF_OBJECT if name else _END_OF_LIST).search(rest)
    if not end or not _is_sound(rest[: end.start()]):
        return None
    places.append((offset, end.start()))
    return ListPieces(msgspec.json.decode(name) if name else None, places)


def objects_of(piece: bytes) -> list[msgspec.Raw]:
    """The JSON of each item of a piece."""
    return msgspec.json.decode(b"[%b]" % piece, type=list[msgspec.Raw])


def _last_seam(content: bytes, seam: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """What stands between the last two records, if it is found soon."""
    near_the_end = list(seam.finditer(content, max(0, len(content) - NEAR)))
    candidates = near_the_end or list(seam.finditer(content))
    # An object within a record may look like one.
    for found in reversed(candidates[-SEAMS_TRIED:]):
        if _is_sound(content[: found.start()]):
            return found
    return None


def _is_sound(piece: bytes) -> bool:
    try:
        # `Raw` does not look at UTF-8.
        piece.decode()
        objects_of(piece)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def decode_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Replace bytes that are no UTF-8, which would stop the reading, and drop a byte-order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def has_long_number(chunks: Iterator[bytes]) -> bool:
    """Whether any run of digits is too long to be read."""
    end = b""
    for chunk in chunks:
        joined = end + chunk
        if _LONG_NUMBER.search(joined):
            return True
        end = joined[-LONGEST_NUMBER:]
    return False


def clean_json(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Escape raw control characters, and replace lone surrogates by U+FFFD.

    NaN and Infinity become null, since JSON has no word for them. A number that is too long becomes
    its text. All else, a document that is cut off included, stays as it is.

    Args:
        chunks: The document in UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    for chunk in chunks:
        text = rest + decoder.decode(chunk)
        # The last piece may go on in the next chunk.
        pieces = list(_PIECES.finditer(text))
        end = pieces[-1].start() if pieces else 0
        rest = text[end:]
        yield "".join(_cleaned(piece[0]) for piece in pieces[:-1]).encode()
    yield _cleaned(rest).encode()


def _cleaned(piece: str) -> str:
    if piece.startswith('"'):
        return _IN_TEXT.sub(_clean_in_text, piece)
    return _NO_NUMBER.sub(_clean_number, piece)


def _clean_in_text(found: re.Match[str]) -> str:
    token = found[0]
    if len(token) == 1:
        return f"\\u{ord(token):04x}"
    return "\ufffd" if len(token) == _LONE_SURROGATE else token


def _clean_number(found: re.Match[str]) -> str:
    return f'"{found[0]}"' if found[0][-1].isdigit() else "null"
