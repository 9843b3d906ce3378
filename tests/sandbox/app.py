"""What the applications of all vendors have in common: endpoints, refusals, answers."""

from __future__ import annotations

import asyncio
from secrets import compare_digest
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.sandbox.forms import BadRequestError, Form, read_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from starlette.requests import Request

    Answer = Callable[[Request, Any], Awaitable[Response]]
    """Answers a request, whose query was read."""
    Endpoint = tuple[str, str, type[Form], Answer]
    """HTTP method, path, the form of the query, and what answers."""

_CHUNK_BYTES = 1 << 16


class RefusedError(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        document: The body of the answer, which is sent as JSON.
        headers: Further headers of the answer.
    """

    def __init__(
        self, status: int, document: object, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, document)
        self.status = status
        self.document = document
        self.headers = headers


def routes(
    check: Callable[[Request], None],
    refuse: Callable[[BadRequestError], RefusedError],
    endpoints: Iterable[Endpoint],
    base: str = "",
) -> list[Route]:
    """Return the routes of endpoints that let in the same requests.

    Args:
        check: Raises RefusedError for a request that is not let in.
        refuse: Makes the refusal of a bad request.
        endpoints: The endpoints.
        base: What all paths begin with.
    """
    made = []
    for method, path, form, answer in endpoints:
        route = Route(base + path, _endpoint(check, refuse, form, answer), methods=[method])
        route.methods = {method}  # starlette lets HEAD in wherever it lets GET in
        made.append(route)
    return made


def application(
    served: Iterable[Route],
    unknown: Callable[[int], RefusedError],
    error_body: Callable[[str], bytes],
    document_of: Callable[[RefusedError], object] = lambda error: error.document,
) -> Starlette:
    """Return the application of a vendor. Limits and faults are around it, not in it.

    Args:
        served: Its routes.
        unknown: Makes the refusal of an unknown path (404) or method (405) from the status.
        error_body: Makes the vendor's JSON for an error message.
        document_of: Returns the body of a refusal.
    """

    async def refuse(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = unknown(error.status_code)
        if not isinstance(error, RefusedError):
            raise TypeError from error
        return json_answer(document_of(error), error.status, error.headers)

    async def fail(_: Request, error: Exception) -> Response:
        message = f"The sandbox itself failed: {type(error).__name__}"
        return Response(error_body(message), 500, media_type="application/json")

    app = Starlette(
        routes=[*served],
        exception_handlers={HTTPException: refuse, RefusedError: refuse, Exception: fail},
    )
    app.router.redirect_slashes = False
    return app


def has_header(request: Request, name: str, value: str) -> bool:
    """Tell whether a request has a header once, with a secret value."""
    given = request.headers.getlist(name)
    return len(given) == 1 and compare_digest(given[0].encode("latin-1"), value.encode())


def json_answer(
    document: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer with a document."""
    body = msgspec.json.encode(document)
    return Response(body, status, headers, media_type="application/json")


def stream(
    pieces: Iterator[bytes], media_type: str | None, headers: dict[str, str] | None = None
) -> Response:
    """Answer with what is made while it is sent, in chunks of some 64 KB."""

    async def chunks() -> AsyncIterator[bytes]:
        held = bytearray()
        for piece in pieces:
            held += piece
            if len(held) >= _CHUNK_BYTES:
                yield bytes(held)
                held.clear()
                await asyncio.sleep(0)  # others want to be answered too
        yield bytes(held)

    return StreamingResponse(chunks(), headers=headers, media_type=media_type)


def _endpoint(
    check: Callable[[Request], None],
    refuse: Callable[[BadRequestError], RefusedError],
    form: type[Form],
    answer: Answer,
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        check(request)
        try:
            return await answer(request, read_query(request, form))
        except BadRequestError as error:
            raise refuse(error) from error

    return endpoint
