"""A second server, which holds the files of finished jobs as an object store does."""

from __future__ import annotations

from secrets import compare_digest
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.app import RefusedError, stream
from tests.sandbox.local_api import LocalApi
from tests.sandbox.revenue.app import CREDENTIAL_HEADERS
from tests.sandbox.revenue.errors import error_body
from tests.sandbox.revenue.exports import signature
from tests.sandbox.traffic import Limits

if TYPE_CHECKING:
    from starlette.requests import Request

    from tests.sandbox.revenue import RevenueSandbox


class FileHost(LocalApi):
    """Serves result files by signed links; a context manager that serves while it is open."""

    def __init__(self, revenue: RevenueSandbox) -> None:
        self._exports = revenue.exports
        app = Starlette(
            routes=[Route("/files/{job_id}", self._file)],
            exception_handlers={HTTPException: _refuse},
        )
        super().__init__(
            app,
            limits=Limits(),
            credential_headers=CREDENTIAL_HEADERS,
            error_body=error_body,
        )

    async def _file(self, request: Request) -> Response:
        if any(name in CREDENTIAL_HEADERS for name, _ in request.scope["headers"]):
            raise HTTPException(400, "InvalidArgument")
        job_id = request.path_params["job_id"]
        given = request.query_params.getlist("X-Signature")
        right = signature(job_id).encode()
        if len(given) != 1 or not compare_digest(given[0].encode(), right):
            raise HTTPException(403, "AccessDenied")
        try:
            return stream(self._exports.file(job_id), "application/json")
        except RefusedError as error:
            raise HTTPException(404, "NoSuchKey") from error


async def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError from error
    body = f'<?xml version="1.0"?><Error><Code>{error.detail}</Code></Error>'
    return Response(body, error.status_code, media_type="application/xml")
