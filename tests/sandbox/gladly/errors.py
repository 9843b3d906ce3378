"""Refusals, in the three shapes that the vendor documents."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ErrorShape = Literal["list", "object", "bare"]


class RefusedError(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        code: The vendor's code, such as ``invalid`` or ``not_exist``.
        detail: The reason in words.
        attr: The parameter or member it is about.
        shape: How the error is wrapped; None for whatever the sandbox is set to.
        meta: What else there is to know.
        headers: Headers of the answer.
    """

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        status: int,
        code: str,
        detail: str,
        *,
        attr: str | None = None,
        shape: ErrorShape | None = None,
        meta: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.shape = shape
        self.headers = headers
        self.error: dict[str, Any] = {"code": code, "detail": detail}
        if attr is not None:
            self.error = {"attr": attr, **self.error}
        if meta is not None:
            self.error["meta"] = meta

    def body(self, shape: ErrorShape) -> bytes:
        """Return the JSON, in a shape unless the refusal has one of its own."""
        documents: dict[ErrorShape, dict[str, Any] | list[dict[str, Any]]] = {
            "list": {"errors": [self.error]},
            "object": {"errors": self.error},
            "bare": [self.error],
        }
        return msgspec.json.encode(documents[self.shape or shape])


def error_body(message: str) -> bytes:
    """Return the JSON of an error that is about no member of the request."""
    return RefusedError(500, "temporary_failure", message).body("list")


def invalid(*, attr: str, detail: str, code: str = "invalid") -> RefusedError:
    """Refuse a bad request."""
    return RefusedError(400, code, detail, attr=attr)


def not_found(what: str) -> RefusedError:
    """Refuse an id that is not there; the vendor's examples show one object here."""
    return RefusedError(404, "not_exist", f"{what} does not exist", shape="object")


def moved(old: str, new: str, location: str | None) -> RefusedError:
    """Refuse the id of a customer who was merged; the vendor promises no Location."""
    return RefusedError(
        301,
        "moved",
        "customer id has changed",
        attr="customerId",
        shape="list",
        meta={"old": old, "new": new},
        headers=None if location is None else {"Location": location},
    )


def too_many(detail: str) -> RefusedError:
    """Refuse a report beyond the limits; the vendor promises no Retry-After."""
    return RefusedError(429, "temporary_failure", detail, shape="list")
