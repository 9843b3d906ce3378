"""The queries of the Copilot API.

The filters that no tap asks for are unknown here: those of calls by user, attendee, topic, source,
type and duration, of scorecards by person, and of topics.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

from tests.sandbox.copilot.vocabulary import STATUSES
from tests.sandbox.forms import Form, Instant

Text = Annotated[str, msgspec.Meta(min_length=1)]
Flag = Literal["true", "false"]
Skip = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Status(int):
    """The status of a call, as its place in `STATUSES`."""

    __slots__ = ()

    @classmethod
    def read(cls, text: str) -> Status:
        """Read the name of a status.

        Raises:
            ValueError: There is no such status.
        """
        return cls(STATUSES.index(text))


class Window(NamedTuple):
    """The instants between two bounds, in microseconds since 1970; None where it is open."""

    after: int | None = None
    before: int | None = None


class Media(NamedTuple):
    """Which signed URLs are asked for."""

    audio: bool = False
    video: bool = False


class CallFilter(NamedTuple):
    """Which calls are asked for, and in which order; equal ones find the same calls.

    Attributes:
        modified: Window of the last modification.
        time: Window of the start.
        statuses: Places in `STATUSES`; empty for any.
        private: Whether private calls are included.
        by_time: Whether calls are sorted by their start.
    """

    modified: Window
    time: Window
    statuses: frozenset[int]
    private: bool
    by_time: bool


class IdQuery(Form, frozen=True):
    """The id of one record."""

    id: Text


class MediaQuery(Form, frozen=True):
    """Signed URLs."""

    include_audio: Flag = "false"
    include_video: Flag = "false"

    @property
    def media(self) -> Media:
        """Which signed URLs are asked for."""
        return Media(self.include_audio == "true", self.include_video == "true")


class DetailsQuery(MediaQuery, frozen=True, kw_only=True):
    """One call."""

    id: Text


class CallsQuery(MediaQuery, frozen=True):
    """A page of calls."""

    skip: Skip = 0
    limit: Limit = 25
    filter_modified_gt: Instant | None = None
    filter_modified_lt: Instant | None = None
    filter_time_gt: Instant | None = None
    filter_time_lt: Instant | None = None
    filter_status: list[Status] = msgspec.field(default_factory=list)
    include_private: Literal["true", "false", "1", "0"] = "false"
    include_pagination: Flag = "true"
    sort_time: Literal["asc"] | None = None

    @property
    def wanted(self) -> CallFilter:
        """Which calls are asked for."""
        return CallFilter(
            modified=Window(self.filter_modified_gt, self.filter_modified_lt),
            time=Window(self.filter_time_gt, self.filter_time_lt),
            statuses=frozenset(self.filter_status),
            private=self.include_private in {"true", "1"},
            by_time=self.sort_time is not None,
        )


class ScorecardsQuery(Form, frozen=True):
    """A page of scorecards."""

    skip: Skip = 0
    limit: Limit = 50
    filter_time_gt: Instant | None = None
    filter_time_lt: Instant | None = None

    @property
    def time(self) -> Window:
        """Window of the hidden time of scorecards."""
        return Window(self.filter_time_gt, self.filter_time_lt)
