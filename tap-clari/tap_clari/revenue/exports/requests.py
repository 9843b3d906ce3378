"""What is asked of an export job, and which streams ask."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_clari.revenue.exports.jobs import Job


@dataclass(frozen=True)
class ExportRequest:
    """What an export job is asked for.

    Args:
        path: Where, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: The question.
        recognizes: Whether a job that was found, and not started by a known answer, is for this.
        instead: The question to ask instead where the API refuses this one, by the code of the
            refusal.
        explain: Gives the sentence for the code or the status of a refusal; `None` where it means
            nothing special.
    """

    path: str
    ids: Mapping[str, str]
    body: Mapping[str, t.Any]
    recognizes: Callable[[Job], bool]
    instead: Mapping[str, Mapping[str, t.Any]] = field(default_factory=dict)
    explain: Callable[[str], str | None] = lambda code: None  # noqa: ARG005

    @property
    def key(self) -> str:
        """What tells it from others."""
        return msgspec.json.encode([self.path, self.ids, self.body], order="sorted").decode()


class Reader(t.Protocol):
    """A stream that reads exports."""

    name: str
    kind: str

    @property
    def selected(self) -> bool:
        """Whether the run reads the stream."""

    def export_requests(self) -> Sequence[ExportRequest]:
        """What it will ask for: the same for all readers of a kind."""
