"""What an export job is asked for, and what a stream that reads exports has."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_clari.revenue.exports.jobs import Job


class ExportKey(msgspec.Struct, frozen=True):
    """What tells an export job from all others, in the run and in the state.

    Args:
        path: The endpoint that starts it, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: The body of the request.
    """

    path: str
    ids: dict[str, str]
    body: dict[str, t.Any]

    def __hash__(self) -> int:
        # The body holds lists, which have no hash.
        return hash((self.path, frozenset(self.ids.items())))


@dataclass(frozen=True)
class ExportRequest:
    """An export that a stream needs.

    Args:
        key: What is asked for.
        label: What logs and sentences call it, such as "the forecast net_arr, 2026_Q3".
        list_names: The names of the list that the result must have.
        matches_job: Whether a job whose start was not answered can be the one for this request.
        fallback_body: The body to send instead where the API refuses this one, by the code of the
            refusal.
        explain_refusal: Gives the sentence for the code or the status of a refusal; `None` where
            it means nothing special.
    """

    key: ExportKey
    label: str
    list_names: Sequence[str]
    matches_job: Callable[[Job], bool]
    fallback_body: Mapping[str, Mapping[str, t.Any]] = field(default_factory=dict)
    explain_refusal: Callable[[str], str | None] = lambda code: None  # noqa: ARG005


class Reader(abc.ABC):
    """A stream that reads exports, or that needs another stream to read them in the same run."""

    name: str

    job_group: str
    """Streams of one group read the same jobs."""

    @abc.abstractmethod
    def export_requests(self) -> Sequence[ExportRequest]:
        """The exports that the run needs: the same for all streams of the group."""
