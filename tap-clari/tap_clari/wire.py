"""From the bytes of an answer to JSON that any target can take, and to its records."""

from __future__ import annotations

import json
import re
import typing as t

import msgspec

_CODE = re.compile(r"[A-Za-z_]{1,50}")
ESCAPED_NUL = b"\\u0000"


class NotJSONError(ValueError):
    """The answer is not JSON: cut off on the way, or a page of somebody else's."""


class UnexpectedShapeError(ValueError):
    """The answer is JSON, but not what the vendor's document promises.

    Args:
        path: The endpoint that was asked.
        missing: What the answer lacks.
    """

    def __init__(self, path: str, missing: str) -> None:
        super().__init__(path, missing)
        self.path = path
        self.missing = missing


class Answer(t.NamedTuple):
    """What an endpoint answered: sound JSON."""

    path: str
    body: bytes


def clean_json(content: bytes) -> bytes:
    r"""Check that the bytes are JSON, and replace what no target can hold.

    PostgreSQL has no NUL character, and UTF-8 no lone surrogate (`"\ud83d"` with no second half,
    which an API that cuts a text in the middle of an emoji does send): either one would stop the
    whole load. Both become U+FFFD, the sign for a character that could not be read.

    Raises:
        NotJSONError: If the bytes are not JSON.
    """
    if ESCAPED_NUL not in content and _is_sound(content):
        return content
    try:
        document = json.loads(content.decode("utf-8-sig", "replace"), strict=False)
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


def member(answer: Answer, name: str) -> msgspec.Raw:
    """The JSON of one member of the answer, unread.

    Raises:
        UnexpectedShapeError: If the answer is no object, or has no such member.
    """
    try:
        return msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])[name]
    except (msgspec.ValidationError, KeyError) as error:
        raise UnexpectedShapeError(answer.path, repr(name)) from error


def items(answer: Answer, name: str) -> list[msgspec.Raw]:
    """The JSON of each item in a list of the answer; a list that is null is empty.

    Raises:
        UnexpectedShapeError: If there is no such list.
    """
    try:
        return msgspec.json.decode(member(answer, name), type=list[msgspec.Raw] | None) or []
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, f"a list in {name!r}") from error


def records(answer: Answer, name: str) -> list[msgspec.Raw]:
    """The JSON of each record in a list of the answer: what is read of it later is an object.

    Raises:
        UnexpectedShapeError: If there is no such list, or something else in it.
    """
    found = items(answer, name)
    if any(bytes(memoryview(each)[:1]) != b"{" for each in found):
        raise UnexpectedShapeError(answer.path, f"records in {name!r}")
    return found


def listed(answer: Answer, *names: str) -> list[msgspec.Raw]:
    """The JSON of each record of a list that comes bare, or under one of several names.

    Raises:
        UnexpectedShapeError: If there is no such list, or something else in it.
    """
    if answer.body.lstrip()[:1] == b"[":
        answer = Answer(answer.path, b'{"list":' + answer.body + b"}")
        names = ("list",)
    else:
        members = record(answer)
        # A list before a null.
        names = (
            *(name for name in names if members.get(name) is not None),
            *(name for name in names if name in members),
            *names,
        )
    return records(answer, names[0])


def record(answer: Answer, name: str | None = None) -> dict[str, t.Any]:
    """The one record of an answer, or of a member of it.

    Raises:
        UnexpectedShapeError: If there is none.
    """
    try:
        body = answer.body if name is None else member(answer, name)
        return msgspec.json.decode(body, type=dict[str, t.Any])
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, "a record") from error


def error_code(content: bytes) -> str | None:
    """What an error calls itself, such as `no_optin`: a name that may be shown, never a message.

    It stands in the error, or in the first of a list of errors, bare or under `errors`.
    """
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(found, dict) and "errors" in found:
        found = found["errors"]
    if isinstance(found, list):
        found = found[0] if found else None
    code = (found.get("code") or found.get("errorCode")) if isinstance(found, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def matched(answer: Answer) -> int:
    """How many records the API counts, over all pages.

    Raises:
        UnexpectedShapeError: If the answer does not say.
    """
    try:
        return msgspec.json.decode(member(answer, "pagination"), type=_Pagination).matched
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, "'pagination.matched'") from error


class _Pagination(msgspec.Struct):
    matched: int
