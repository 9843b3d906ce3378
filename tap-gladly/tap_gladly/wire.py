"""From the bytes of an answer to JSON that any target can take, and to its records."""

from __future__ import annotations

import json
import re
import typing as t

import msgspec

ESCAPED_NUL = b"\\u0000"
UNPRINTABLE = re.compile(r"[^\x20-\x7e…]+")
LONGEST_DETAIL = 200


class UnusableAnswerError(ValueError):
    """The answer is not what it should be: cut off on the way, or a page of somebody else's.

    Args:
        wanted: What it should be, such as JSON.
    """

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


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
    """What an endpoint answered: sound JSON.

    Args:
        path: The endpoint.
        body: The JSON.
        is_limited: Whether Gladly says that there is more than it gives.
    """

    path: str
    body: bytes
    is_limited: bool = False


def clean_json(content: bytes) -> bytes:
    r"""Check that the bytes are JSON, and replace what no target can hold.

    PostgreSQL has no NUL character, and UTF-8 no lone surrogate (`"\ud83d"` with no second half,
    which an API that cuts a text in the middle of an emoji does send): either one would stop the
    whole load. Both become U+FFFD, the sign for a character that could not be read.

    Raises:
        UnusableAnswerError: If the bytes are not JSON.
    """
    if ESCAPED_NUL not in content and _is_sound(content):
        return content
    try:
        document = json.loads(content.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        wanted = "JSON"
        raise UnusableAnswerError(wanted) from error
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


def listed(answer: Answer) -> list[dict[str, t.Any]]:
    """The records of a list, which comes bare, or as `value` of an object.

    Raises:
        UnexpectedShapeError: If there is no such list, or something else in it.
    """
    try:
        found = msgspec.json.decode(answer.body)
        return msgspec.convert(
            found.get("value") if isinstance(found, dict) else found, type=list[dict[str, t.Any]]
        )
    except msgspec.ValidationError as error:
        missing = "a list of records"
        raise UnexpectedShapeError(answer.path, missing) from error


def record(answer: Answer) -> dict[str, t.Any]:
    """The one record of an answer.

    Raises:
        UnexpectedShapeError: If there is none.
    """
    try:
        return msgspec.json.decode(answer.body, type=dict[str, t.Any])
    except msgspec.ValidationError as error:
        missing = "a record"
        raise UnexpectedShapeError(answer.path, missing) from error


def error_detail(content: bytes, secret: str) -> str | None:
    """What an error says of itself, as text that may be shown.

    It stands in a list of errors, or in one error, under `errors` or bare: Gladly has all of them.

    Args:
        content: The body.
        secret: What is not shown, should it be in there.
    """
    said = [
        " ".join(
            part for name in ("attr", "code", "detail") if isinstance(part := each.get(name), str)
        )
        for each in _errors(content)
    ]
    detail = UNPRINTABLE.sub(" ", "; ".join(filter(None, said)).replace(secret, "…"))
    return detail[:LONGEST_DETAIL].strip() or None


def moved_to(content: bytes) -> str | None:
    """The id that an error says another one has become: of the customer it was merged into."""
    for each in _errors(content):
        meta = each.get("meta")
        if each.get("code") == "moved" and isinstance(meta, dict):
            new = meta.get("new")
            if isinstance(new, str) and new:
                return new
    return None


def _errors(content: bytes) -> list[dict[str, t.Any]]:
    """The errors of an answer, in whichever shape they come; none if it has none."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if isinstance(found, dict) and "errors" in found:
        found = found["errors"]
    errors = found if isinstance(found, list) else [found]
    return [each for each in errors if isinstance(each, dict)]
