"""Refusals, in the several shapes that the vendor documents for its several services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    Refuse = Callable[[str], "RefusedError"]
    """Makes the refusal of a bad request from its reason."""

ORG_ID = 101
USER_ID = 1
OTHER_USER_ID = 2


class RefusedError(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        document: The body of the answer.
    """

    def __init__(self, status: int, document: dict[str, Any] | list[dict[str, Any]]) -> None:
        super().__init__(status, document)
        self.status = status
        self.body = msgspec.json.encode(document)


def error_body(message: str) -> bytes:
    """Return the JSON of an error that the gateway itself makes."""
    return msgspec.json.encode({"message": message})


def unauthenticated() -> RefusedError:
    """Refuse a request without the right key."""
    return RefusedError(401, {"message": "Invalid authentication credentials"})


def no_route() -> RefusedError:
    """Refuse a path or method that the gateway does not know."""
    message = "no Route matched with those values"
    return RefusedError(404, {"message": message, "request_id": uuid4().hex})


def export_error(
    message: str, *, code: str, status: int = 400, namespace: str = "exports"
) -> RefusedError:
    """Refuse something about an export or a forecast."""
    return RefusedError(
        status,
        {
            "code": code,
            "namespace": namespace,
            "errorId": str(uuid4()),
            "message": message,
            "orgId": ORG_ID,
        },
    )


def bad_export(reason: str) -> RefusedError:
    """Refuse a bad request about jobs."""
    return export_error(reason, code="bad_request")


def bad_forecast(reason: str) -> RefusedError:
    """Refuse a bad request for a forecast."""
    return export_error(reason, code="bad_request", namespace="fcw")


def bad_activity(reason: str) -> RefusedError:
    """Refuse a bad request for activities."""
    return RefusedError(
        400,
        {
            "code": "Bad request",
            "namespace": "activity",
            "errorId": uuid4().hex,
            "message": reason,
            "userId": str(USER_ID),
            "orgId": str(ORG_ID),
        },
    )


def bad_audit(reason: str) -> RefusedError:
    """Refuse a bad request for audit events."""
    error = {"code": "bad_request", "message": "Bad request", "status": "400", "details": reason}
    return RefusedError(400, {"errors": [error]})


def bad_opportunity(reason: str) -> RefusedError:
    """Refuse a bad request for opportunities; the misspelt name is the vendor's."""
    return RefusedError(
        400,
        [
            {
                "statusCode": 400,
                "reaspnPhrase": "Bad Request",
                "description": "invalid query parameter",
                "details": reason,
            }
        ],
    )


def bad_ingest(reason: str) -> RefusedError:
    """Refuse a bad request about ingestion."""
    return RefusedError(400, [{"errorCode": "INVALID_INPUT_FORMAT", "errorSummary": reason}])


def invalid_job(message: str = "Cannot find a job with this jobId.") -> RefusedError:
    """Refuse a job that is not there, or whose file is not."""
    return export_error(message, code="invalid_jobId")
