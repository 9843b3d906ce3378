"""Refusals, in the three shapes that the vendor documents."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tests.sandbox.app import RefusedError
from tests.sandbox.forms import BadRequestError

ErrorShape = Literal["list", "object", "bare"]


class GladlyError(RefusedError):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        code: The vendor's code, such as ``invalid`` or ``not_exist``.
        detail: The reason in words.
        shape: How the error is wrapped; None for whatever the sandbox is set to.
        headers: Headers of the answer.
        **members: Other members of the error.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        shape: ErrorShape | None = "list",
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(status, {"code": code, "detail": detail, **members}, headers)
        self.shape = shape

    def wrapped(self, shape: ErrorShape) -> object:
        """Return the body, in a shape unless the refusal has one of its own."""
        shape = self.shape or shape
        if shape == "bare":
            return [self.document]
        return {"errors": [self.document] if shape == "list" else self.document}


def error_body(message: str) -> bytes:
    """Return the JSON of an error that is about no member of the request."""
    return msgspec.json.encode({"errors": [{"code": "temporary_failure", "detail": message}]})


def bad_request(error: BadRequestError) -> GladlyError:
    """Refuse a bad request; only this error comes in each shape."""
    about: dict[str, Any] = {"attr": error.name} if error.name else {}
    return GladlyError(400, error.code, error.reason, shape=None, **about)


def invalid(*, attr: str, detail: str, code: str = "invalid") -> BadRequestError:
    """Refuse a bad request because of one of its parameters or members."""
    return BadRequestError(detail, attr, code)


def not_found(what: str) -> GladlyError:
    """Refuse an id that is not there; the vendor's examples show one object here."""
    return GladlyError(404, "not_exist", f"{what} does not exist", shape="object")


def moved(old: str, new: str, location: str | None) -> GladlyError:
    """Refuse the id of a customer who was merged; the vendor promises no Location."""
    return GladlyError(
        301,
        "moved",
        "customer id has changed",
        headers=None if location is None else {"Location": location},
        attr="customerId",
        meta={"old": old, "new": new},
    )
