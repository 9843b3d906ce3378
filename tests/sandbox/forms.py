"""Reads queries and bodies into structs, and refuses whatever the vendor does not document.

Stricter than the vendor where its document is silent: unknown names, repeated single values and
empty values are mistakes of the client here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from tests.sandbox.instants import micros

if TYPE_CHECKING:
    from starlette.requests import Request


class BadRequestError(Exception):
    """A request that the vendor's document does not allow.

    Args:
        reason: What is wrong, as a sentence.
        name: The parameter or member it is about; empty when it is about none.
        code: ``blank`` for a value that is missing, ``invalid`` for the rest.
    """

    def __init__(self, reason: str, name: str = "", code: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name
        self.code = code


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a query, or the members of a body; one subclass for each endpoint."""


class NoQuery(Form, frozen=True):
    """A query that must be empty."""


class Instant(int):
    """An ISO 8601 date-time with an offset, as microseconds since 1970."""

    __slots__ = ()

    @classmethod
    def read(cls, text: str) -> Instant:
        """Read the text of a parameter.

        Raises:
            ValueError: It has another form.
        """
        return cls(micros(text))


FormT = TypeVar("FormT", bound=Form)


def read_query(request: Request, form: type[FormT]) -> FormT:
    """Read a query string.

    Parameters that are lists may be repeated. Types that msgspec does not know
    have a class method ``read``, which raises ValueError.

    Args:
        request: The request.
        form: Its parameters, with their types, bounds and defaults.

    Raises:
        BadRequestError: A parameter is unknown, empty, missing, repeated or of another type, or the
            query is not percent-encoded UTF-8.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(form)}
    given: dict[str, list[str]] = {}
    for name, value in _pairs(request.scope["query_string"]):
        if name not in fields:
            message = f"{name} is not a parameter of this request"
            raise BadRequestError(message, name)
        if not value:
            message = f"{name} can't be blank"
            raise BadRequestError(message, name, "blank")
        given.setdefault(name, []).append(value)
    members: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            members[field.name] = _value(name, given[name], field.type)
        elif field.required:
            message = f"{name} is required"
            raise BadRequestError(message, name, "blank")
    return form(**members)


async def read_body(
    request: Request, form: type[FormT], *, required: bool
) -> tuple[FormT, dict[str, Any]]:
    """Read a JSON body.

    Args:
        request: The request.
        form: What may stand in the body.
        required: Whether there must be a body.

    Returns:
        What was read, and the body as it came.

    Raises:
        BadRequestError: There is something wrong with it.
    """
    body = await request.body()
    if not body and not required:
        return form(), {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        message = "The Content-Type must be application/json"
        raise BadRequestError(message)
    try:
        read = msgspec.json.decode(body, type=form)
        return read, msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"The request body was malformed: {error}"
        raise BadRequestError(message) from error


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
        )
    except ValueError as error:
        message = "The query string is malformed"
        raise BadRequestError(message) from error


def _value(name: str, given: list[str], kind: Any) -> object:  # noqa: ANN401 - a type
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    repeated = get_origin(bare) is list
    if not repeated and len(given) > 1:
        message = f"{name} must be given once"
        raise BadRequestError(message, name)
    try:
        value = msgspec.convert(given if repeated else given[0], kind, strict=False, dec_hook=_read)
    except msgspec.ValidationError as error:
        message = f"{name}: {error}"
        raise BadRequestError(message, name) from error
    if type(value) is int and str(value) != given[0]:
        # msgspec takes 1.0 and 1e2 for integers.
        message = f"{name} must be an integer"
        raise BadRequestError(message, name)
    return value


def _read(kind: Any, text: str) -> object:  # noqa: ANN401 - any type with a method read
    return kind.read(text)
