"""The files that a user gives: settings, catalog and state. Each fault of one is a sentence."""

from __future__ import annotations

import io
import json
import typing as t
from pathlib import Path

import msgspec
from singer_sdk.exceptions import ConfigurationError

from .decoding import DEEPEST, collapse_json

if t.TYPE_CHECKING:
    from collections.abc import Mapping


_Kind = t.Literal["string", "integer", "number", "boolean", "object", "array", "null"]


class _Property(msgspec.Struct):
    """A part of a JSON Schema, as far as a tap reads it."""

    type: _Kind | list[_Kind] | None = None
    properties: dict[str, _Property] | None = None
    items: _Property | None = None


class _Metadata(msgspec.Struct):
    """The metadata of a stream, or of one of its properties."""

    breadcrumb: list[str]
    metadata: dict[str, t.Any]


class _CatalogEntry(msgspec.Struct):
    """A stream in a catalog."""

    tap_stream_id: str
    stream: str | None = None
    schema: _Property = msgspec.field(default_factory=_Property)
    metadata: list[_Metadata] = msgspec.field(default_factory=list)
    key_properties: list[str] | None = None
    replication_key: str | None = None
    replication_method: str | None = None


class _Catalog(msgspec.Struct):
    """A Singer catalog, as far as a tap reads it."""

    streams: list[_CatalogEntry]


class _State(msgspec.Struct):
    """A Singer state, as far as it is the same in all taps."""

    bookmarks: dict[str, dict[str, t.Any] | None] | None = None


def read_object(content: bytes, option: str) -> dict[str, t.Any]:
    """The JSON object in a file.

    Args:
        content: The file: UTF-8, with a byte-order mark or without.
        option: The option that the file was given with, such as `--state`.

    Raises:
        ConfigurationError: If it holds something else.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = (
            f"The file given with {option} is not UTF-8: save it as UTF-8. PowerShell's > writes "
            "UTF-16; use | Out-File -Encoding utf8 instead."
        )
        raise ConfigurationError(message) from error
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        message = f"The file given with {option} is not JSON{where}: correct or replace it."
        raise ConfigurationError(message) from error
    if not isinstance(found, dict):
        message = f"The file given with {option} must hold a JSON object, in braces."
        raise ConfigurationError(message)
    if collapse_json(content) != content:
        message = f"The file given with {option} is nested deeper than {DEEPEST} levels."
        raise ConfigurationError(message)
    return found


def read_document(file: t.BinaryIO, option: str) -> dict[str, t.Any]:
    """The JSON object in a catalog or a state, of which the SDK makes messages.

    Raises:
        ConfigurationError: If it holds something else, or what no message can.
    """
    try:
        content = msgspec.json.encode(read_object(file.read(), option))
    except (UnicodeEncodeError, OverflowError) as error:
        message = (
            f"The file given with {option} holds half of a surrogate pair, or a whole number of "
            "more than 64 bits, which no target can take: correct or replace it."
        )
        raise ConfigurationError(message) from error
    return t.cast("dict[str, t.Any]", msgspec.json.decode(content))


def read_file(path: str, option: str) -> dict[str, t.Any]:
    """The JSON object in the file at a path.

    Raises:
        ConfigurationError: If there is no such file, or it holds something else.
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"The file given with {option} cannot be read: {reason}."
        raise ConfigurationError(message) from error
    return read_object(content, option)


def checked_catalog(file: t.BinaryIO) -> io.StringIO:
    """A catalog that the SDK can read.

    Raises:
        ConfigurationError: If it is none.
    """
    catalog = read_document(file, "--catalog")
    try:
        msgspec.convert(catalog, type=_Catalog)
    except msgspec.ValidationError as error:
        message = (
            f"The file given with --catalog is no catalog ({problem(error)}): make one with "
            "--discover, and select streams in it."
        )
        raise ConfigurationError(message) from error
    return io.StringIO(json.dumps(catalog))


def checked_state(file: t.BinaryIO) -> io.StringIO:
    """A state that the SDK can read. A stream that is null in it begins anew.

    Raises:
        ConfigurationError: If it is none.
    """
    state = read_document(file, "--state")
    try:
        bookmarks = msgspec.convert(state, type=_State).bookmarks or {}
    except msgspec.ValidationError as error:
        message = (
            f"The file given with --state is no state ({problem(error)}): give the last state "
            "that a run wrote, or none."
        )
        raise ConfigurationError(message) from error
    if state and "bookmarks" not in state:
        # As the SDK reads it, all streams would begin anew.
        message = (
            "The file given with --state has no bookmarks: give the last state that a run wrote, "
            "without what stands around it in a message."
        )
        raise ConfigurationError(message)
    kept = {name: each for name, each in bookmarks.items() if each is not None}
    return io.StringIO(json.dumps({**state, "bookmarks": kept}))


def stream_state_error(name: str, state: Mapping[str, t.Any], form: t.Any) -> str | None:  # noqa: ANN401
    """The sentence for a stream's part of the state that is not in the form in which it is kept.

    Args:
        name: The stream's name.
        state: Its part of the state.
        form: The type of such a part.
    """
    try:
        msgspec.convert(state, type=form)
    except (msgspec.ValidationError, RecursionError) as error:
        return (
            f"The state of the stream {name!r} is not in the form in which the tap keeps it "
            f"({problem(error)}): give the last state that a run wrote, or remove the stream from "
            "it, which is then read anew."
        )
    return None


def problem(error: Exception) -> str:
    """What is wrong, and where; not the value."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    return str(error).replace(" - at `$.", " at `").replace(" - at `$", " at `").rstrip(".")
