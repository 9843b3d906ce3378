"""From the bytes of an answer to JSON that any target can take, and to its records."""

from __future__ import annotations

import contextlib
import json
import math
import re
import typing as t

import msgspec

from .errors import MalformedBodyError, UnexpectedResponseError

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ESCAPED_NUL = b"\\u0000"

UNSOUND = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised for JSON that is not sound, if all of its texts are decoded."""

DEEPEST = 100
"""Levels of nested JSON that are kept as they are."""

MOST_DIGITS = 300
"""Digits of an integer that is kept as a number."""

ERROR_MEMBERS = frozenset({"error", "errors", "errorCode", "errorMessage", "message", "exception"})
"""Members of error objects. The others of such an object may be those of a record: `status`."""

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


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
    r"""Check that the bytes are JSON, and replace what no target can hold.

    PostgreSQL has no NUL character, and UTF-8 no lone surrogate (`"\ud83d"` with no second half,
    which an API that cuts a text in the middle of an emoji does send): either one would stop the
    whole load. Both become U+FFFD, the sign for a character that could not be read.

    Raises:
        MalformedBodyError: If the bytes are not JSON.
    """
    if ESCAPED_NUL not in content and _is_sound(content):
        return content
    return _rewritten(content)


def decode_json(content: bytes | msgspec.Raw) -> t.Any:  # noqa: ANN401
    """The value of sound JSON. A number that no machine has (`1e400`) becomes its text.

    Raises:
        MalformedBodyError: If it is not JSON.
    """
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return msgspec.json.decode(_rewritten(bytes(content)))


def read_json(content: bytes) -> t.Any:  # noqa: ANN401
    """The value of JSON that may not be sound: as `sanitize_json` has it, in one step for most.

    Raises:
        MalformedBodyError: If it is not JSON.
    """
    if ESCAPED_NUL not in content:
        with contextlib.suppress(*UNSOUND):
            return msgspec.json.decode(content)
    return decode_json(sanitize_json(content))


def collapse_json(content: bytes, deepest: int = DEEPEST) -> bytes:
    """Put the JSON text in the place of what is nested deeper than so many levels.

    Neither the SDK nor a target reads JSON of any depth.
    """
    kept: list[bytes] = []
    depth, begin = 0, 0
    for found in _TOKENS.finditer(content):
        token = found[0]
        if token in b"[{":
            depth += 1
            if depth == deepest + 1:
                kept.append(content[begin : found.start()])
                begin = found.start()
        elif token in b"]}":
            if depth == deepest + 1:
                text = content[begin : found.end()].decode("utf-8", "replace")
                kept.append(msgspec.json.encode(text))
                begin = found.end()
            depth -= 1
    return b"".join([*kept, content[begin:]])


def _is_sound(content: bytes) -> bool:
    try:
        # `Raw` checks the syntax and the escapes, and makes no objects; it does not look at UTF-8.
        msgspec.json.decode(content, type=msgspec.Raw)
        content.decode()
    except UNSOUND:
        return False
    return True


def _rewritten(content: bytes) -> bytes:
    try:
        try:
            document = _loads(content)
        except RecursionError:
            document = _loads(collapse_json(content))
    except (ValueError, RecursionError) as error:
        wanted = "JSON"
        raise MalformedBodyError(wanted) from error
    return msgspec.json.encode(_sanitized(document))


def _loads(content: bytes) -> t.Any:  # noqa: ANN401
    return json.loads(
        content.decode("utf-8-sig", "replace"),
        strict=False,
        parse_int=_integer,
        parse_float=_float,
        parse_constant=_no_number,
    )


def _integer(digits: str) -> int | str:
    # Python reads no more of them, and no column holds as many.
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _no_number(name: str) -> None:
    """NaN and Infinity are none in JSON."""


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
        return [decode_json(each) for each in raw_records(answer, *names)]
    except UnexpectedResponseError as error:
        missing = "a list of records"
        raise UnexpectedResponseError(answer.path, missing) from error


def decode_object(answer: Answer, name: str | None = None) -> dict[str, t.Any]:
    """The object that an answer is, or that a member of it is.

    Raises:
        UnexpectedResponseError: If there is none.
    """
    found = decode_json(answer.body if name is None else raw_member(answer, name))
    if not isinstance(found, dict):
        missing = "a record"
        raise UnexpectedResponseError(answer.path, missing)
    return found


def text_id(value: object) -> str | None:
    """An id, which is a text or a number; `None` for what is none."""
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) and value else None


def decode_record(answer: Answer, *, identifier: str, known: Collection[str]) -> dict[str, t.Any]:
    """The record that was asked for by its id.

    Args:
        answer: The answer.
        identifier: The id, which the record may leave out.
        known: The names of the members that such a record may have.

    Raises:
        UnexpectedResponseError: If it is something else.
    """
    found = decode_object(answer)
    check_record(answer.path, found, known)
    if found.get("id") is not None and str(found["id"]) != identifier:
        missing = "the record that was asked for"
        raise UnexpectedResponseError(answer.path, missing)
    return found


def check_record(path: str, found: Mapping[str, t.Any], known: Collection[str]) -> None:
    """Check that an object is a record, and no error object with some members of the same name.

    An object with an id is one, unless all that it has besides says what went wrong. One without an
    id has a member that such a record may have, and none that says so.

    Raises:
        UnexpectedResponseError: If it is something else.
    """
    names = found.keys() - {"id"}
    foreign = names.difference(known)
    has_own = foreign != names
    is_error = bool(foreign & ERROR_MEMBERS)
    is_record = has_own or not is_error if found.get("id") is not None else has_own and not is_error
    if not is_record:
        missing = "a record"
        raise UnexpectedResponseError(path, missing)


def raw_errors(content: bytes) -> list[dict[str, t.Any]]:
    """The error objects of a refusal; an empty list if it has none.

    They stand in a list, bare or under `errors`, or are one error object.
    """
    try:
        found = msgspec.json.decode(content)
    except UNSOUND:
        return []
    if isinstance(found, dict) and "errors" in found:
        found = found["errors"]
    errors = found if isinstance(found, list) else [found]
    return [each for each in errors if isinstance(each, dict)]
