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
    """Read a query string into the struct of its parameters.

    Parameters that are lists may be repeated. Types that msgspec does not know have a class method
    ``read``, which raises ValueError.

    Raises:
        BadRequestError: A parameter is unknown, empty, missing, repeated or of another type, or the
            query is not percent-encoded UTF-8.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(form)}
    given: dict[str, list[str]] = {}
    for name, value in _pairs(request.scope["query_string"]):
        if name not in fields:
            raise BadRequestError(reason=f"{name} is not a parameter of this request", name=name)
        if not value:
            raise BadRequestError(reason=f"{name} can't be blank", name=name, code="blank")
        given.setdefault(name, []).append(value)
    members: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            members[field.name] = _value(name, given[name], field.type)
        elif field.required:
            raise BadRequestError(reason=f"{name} is required", name=name, code="blank")
    return form(**members)


async def read_body(
    request: Request, form: type[FormT], *, required: bool
) -> tuple[FormT, dict[str, Any]]:
    """Read a JSON body; returns what was read, and the body as it came.

    Raises:
        BadRequestError: There is something wrong with it.
    """
    body = await request.body()
    if not body and not required:
        return form(), {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadRequestError(reason="The Content-Type must be application/json")
    try:
        read = msgspec.json.decode(body, type=form)
        return read, msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(reason=f"The request body was malformed: {error}") from error


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
        )
    except ValueError as error:
        raise BadRequestError(reason="The query string is malformed") from error


def _value(name: str, given: list[str], kind: Any) -> object:  # noqa: ANN401 - a type
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    repeated = get_origin(bare) is list
    if not repeated and len(given) > 1:
        raise BadRequestError(reason=f"{name} must be given once", name=name)
    try:
        value = msgspec.convert(given if repeated else given[0], kind, strict=False, dec_hook=_read)
    except msgspec.ValidationError as error:
        raise BadRequestError(reason=f"{name}: {error}", name=name) from error
    if type(value) is int and str(value) != given[0]:
        # msgspec takes 1.0 and 1e2 for integers.
        raise BadRequestError(reason=f"{name} must be an integer", name=name)
    return value


def _read(kind: Any, text: str) -> object:  # noqa: ANN401 - any type with a method read
    return kind.read(text)
