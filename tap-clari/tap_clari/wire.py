"""From the bytes of an answer to JSON that any target can take, and to its records."""

from __future__ import annotations

import json
import typing as t

import msgspec

_ESCAPED_NUL = b"\\u0000"


class NotJSONError(ValueError):
    """The answer is not JSON: cut off on the way, or a page of somebody else's."""


class UnexpectedShapeError(ValueError):
    """The answer is JSON, but not what the vendor's document promises. Says what is missing."""


def clean_json(content: bytes) -> bytes:
    r"""Check that the bytes are JSON, and replace what no target can hold.

    PostgreSQL has no NUL character, and UTF-8 no lone surrogate (`"\ud83d"` with no second half,
    which an API that cuts a text in the middle of an emoji does send): either one would stop the
    whole load. Both become U+FFFD, the sign for a character that could not be read.

    Raises:
        NotJSONError: If the bytes are not JSON.
    """
    if _ESCAPED_NUL not in content and _is_sound(content):
        return content
    try:
        document = json.loads(content.decode("utf-8", "replace"), strict=False)
    except ValueError as error:
        raise NotJSONError from error
    return msgspec.json.encode(_readable(document))


def _is_sound(content: bytes) -> bool:
    try:
        # `Raw` checks the syntax and the escapes, and makes no objects; it does not look at UTF-8.
        msgspec.json.decode(content, type=msgspec.Raw)
        content.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _readable(value: t.Any) -> t.Any:  # noqa: ANN401
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, dict):
        return {_readable(name): _readable(member) for name, member in value.items()}
    return value


def member(body: bytes, name: str) -> msgspec.Raw:
    """The JSON of one member of the answer, unread.

    Raises:
        UnexpectedShapeError: If the answer is no object, or has no such member.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])[name]
    except (msgspec.ValidationError, KeyError) as error:
        raise UnexpectedShapeError(name) from error


def records(body: bytes, name: str) -> list[msgspec.Raw]:
    """The JSON of each record in a list of the answer; a list that is null is empty.

    Raises:
        UnexpectedShapeError: If there is no such list.
    """
    try:
        return msgspec.json.decode(member(body, name), type=list[msgspec.Raw] | None) or []
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(name) from error


def record(body: bytes | msgspec.Raw) -> dict[str, t.Any]:
    """One record.

    Raises:
        UnexpectedShapeError: If it is no object.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, t.Any])
    except msgspec.ValidationError as error:
        name = "a record"
        raise UnexpectedShapeError(name) from error


def matched(body: bytes) -> int:
    """How many records the API counts, over all pages.

    Raises:
        UnexpectedShapeError: If the answer does not say.
    """
    try:
        return msgspec.json.decode(member(body, "pagination"), type=_Pagination).matched
    except msgspec.ValidationError as error:
        name = "pagination.matched"
        raise UnexpectedShapeError(name) from error


class _Pagination(msgspec.Struct):
    matched: int
