"""What several streams of a run need, and is asked for once."""

from __future__ import annotations

import typing as t

from singer_sdk.exceptions import FatalAPIError

if t.TYPE_CHECKING:
    from collections.abc import Callable

T = t.TypeVar("T")


class Once(t.Generic[T]):
    """Asks at the first call, and gives the same answer, or the same error, to every call.

    So each stream that needs the answer says why it is incomplete, and none asks again.

    Args:
        ask: Asks for it.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answer: list[T] = []
        self._error: FatalAPIError | None = None

    def __call__(self) -> T:
        """The answer, which is asked for at the first call only.

        Raises:
            FatalAPIError: If it cannot be had.
        """
        if self._error:
            raise self._error
        if not self._answer:
            try:
                self._answer.append(self._ask())
            except FatalAPIError as error:
                self._error = error
                raise
        return self._answer[0]
