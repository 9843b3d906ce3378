"""A JSON document of any size, cleaned piece by piece of what no reader of JSON takes."""

from __future__ import annotations

import codecs
import re
import typing as t

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
