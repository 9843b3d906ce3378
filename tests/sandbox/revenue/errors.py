"""Refusals, in the several shapes that the vendor documents for its several services."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from tests.sandbox.app import RefusedError

if TYPE_CHECKING:
    from tests.sandbox.forms import BadRequestError

ORG_ID = 101
USER_ID = 1
OTHER_USER_ID = 2


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


def bad_export(error: BadRequestError) -> RefusedError:
    """Refuse a bad request about jobs."""
    return export_error(error.reason, code="bad_request")


def bad_forecast(error: BadRequestError) -> RefusedError:
    """Refuse a bad request for a forecast."""
    return export_error(error.reason, code="bad_request", namespace="fcw")


def bad_activity(error: BadRequestError) -> RefusedError:
    """Refuse a bad request for activities."""
    return RefusedError(
        400,
        {
            "code": "Bad request",
            "namespace": "activity",
            "errorId": uuid4().hex,
            "message": error.reason,
            "userId": str(USER_ID),
            "orgId": str(ORG_ID),
        },
    )


def bad_audit(error: BadRequestError) -> RefusedError:
    """Refuse a bad request for audit events."""
    details = {"details": error.reason}
    document = {"code": "bad_request", "message": "Bad request", "status": "400", **details}
    return RefusedError(400, {"errors": [document]})


def bad_opportunity(error: BadRequestError) -> RefusedError:
    """Refuse a bad request for opportunities; the misspelt name is the vendor's."""
    return RefusedError(
        400,
        [
            {
                "statusCode": 400,
                "reaspnPhrase": "Bad Request",
                "description": "invalid query parameter",
                "details": error.reason,
            }
        ],
    )


def bad_ingest(error: BadRequestError) -> RefusedError:
    """Refuse a bad request about ingestion."""
    return RefusedError(400, [{"errorCode": "INVALID_INPUT_FORMAT", "errorSummary": error.reason}])


def invalid_job(message: str = "Cannot find a job with this jobId.") -> RefusedError:
    """Refuse a job that is not there, or whose file is not."""
    return export_error(message, code="invalid_jobId")
