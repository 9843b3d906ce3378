"""From the bytes of an answer to JSON that any target can take, and to its records."""

from __future__ import annotations

import json
import typing as t

import msgspec

from .errors import MalformedBodyError, UnexpectedResponseError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

ESCAPED_NUL = b"\\u0000"


class Answer(t.NamedTuple):
    """What an endpoint answered.

    Args:
        path: The endpoint.
        body: Sound JSON.
        headers: The headers.
    """

    path: str
    body: bytes
    headers: Mapping[str, str]


def sanitize_json(content: bytes) -> bytes:
    r"""Check that the bytes are JSON, and replace characters that no target can hold.

    PostgreSQL has no NUL character, and UTF-8 no lone surrogate (`"\ud83d"` with no second half,
    which an API that cuts a text in the middle of an emoji does send): either one would stop the
    whole load. Both become U+FFFD, the sign for a character that could not be read.

    Raises:
        MalformedBodyError: If the bytes are not JSON.
    """
    if ESCAPED_NUL not in content and _is_sound(content):
        return content
    try:
        document = json.loads(content.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        wanted = "JSON"
        raise MalformedBodyError(wanted) from error
    return msgspec.json.encode(_sanitized(document))


def _is_sound(content: bytes) -> bool:
    try:
        # `Raw` checks the syntax and the escapes, and makes no objects; it does not look at UTF-8.
        msgspec.json.decode(content, type=msgspec.Raw)
        content.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _sanitized(value: t.Any) -> t.Any:  # noqa: ANN401
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_sanitized(item) for item in value]
    if isinstance(value, dict):
        return {_sanitized(name): _sanitized(member) for name, member in value.items()}
    return value


def raw_member(answer: Answer, name: str) -> msgspec.Raw:
    """The JSON of one member of the answer, not decoded.

    Raises:
        UnexpectedResponseError: If the answer is no object, or has no such member.
    """
    try:
        return msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])[name]
    except (msgspec.ValidationError, KeyError) as error:
        raise UnexpectedResponseError(answer.path, repr(name)) from error


def raw_items(answer: Answer, *names: str) -> list[msgspec.Raw]:
    """The JSON of each item of a list, which comes bare or under the first of several names.

    A name that holds a list comes before one that holds null. A null is no list.

    Raises:
        UnexpectedResponseError: If there is no such list.
    """
    if answer.body.lstrip()[:1] == b"[":
        return msgspec.json.decode(answer.body, type=list[msgspec.Raw])
    try:
        members = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(answer.path, f"a list in {names[0]!r}") from error
    there = [name for name in names if name in members]
    filled = [name for name in there if bytes(members[name]) != b"null"]
    try:
        member = members[(filled or there or names)[0]]
    except KeyError as error:
        raise UnexpectedResponseError(answer.path, repr(names[0])) from error
    try:
        return msgspec.json.decode(member, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(answer.path, f"a list in {names[0]!r}") from error


def raw_records(answer: Answer, *names: str) -> list[msgspec.Raw]:
    """The JSON of each record of a list, as `raw_items`; each is an object.

    Raises:
        UnexpectedResponseError: If there is no such list, or something else in it.
    """
    found = raw_items(answer, *names)
    if any(bytes(memoryview(each)[:1]) != b"{" for each in found):
        raise UnexpectedResponseError(answer.path, f"records in {names[0]!r}")
    return found


def decode_list(answer: Answer, *names: str) -> list[dict[str, t.Any]]:
    """The records of a list, which comes bare or under the first of several names.

    Raises:
        UnexpectedResponseError: If there is no such list, or something else in it.
    """
    try:
        return [msgspec.json.decode(each) for each in raw_records(answer, *names)]
    except UnexpectedResponseError as error:
        missing = "a list of records"
        raise UnexpectedResponseError(answer.path, missing) from error


def decode_object(answer: Answer, name: str | None = None) -> dict[str, t.Any]:
    """The object that an answer is, or that a member of it is.

    Raises:
        UnexpectedResponseError: If there is none.
    """
    body = answer.body if name is None else raw_member(answer, name)
    try:
        return msgspec.json.decode(body, type=dict[str, t.Any])
    except msgspec.ValidationError as error:
        missing = "a record"
        raise UnexpectedResponseError(answer.path, missing) from error


def raw_errors(content: bytes) -> list[dict[str, t.Any]]:
    """The error objects of a refusal; an empty list if it has none.

    They stand in a list, bare or under `errors`, or are one error object.
    """
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(found, dict) and "errors" in found:
        found = found["errors"]
    errors = found if isinstance(found, list) else [found]
    return [each for each in errors if isinstance(each, dict)]
