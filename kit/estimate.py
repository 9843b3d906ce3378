"""What a run will need, said in the first lines of its log, before it is spent."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Estimate:
    """What a stream needs in a run, at least.

    A stream makes it in `estimate`, from its settings and its state, and from answers that it reads
    later without asking again.

    Args:
        requests: Requests at the pace of `requests_per_second`.
        rationed: What has a quota or a pace of its own, by its name: `{"export jobs": 2}`.
        seconds: How long that takes at its own pace.
        detail: What it is for, or what else may come, such as "net_arr: the current quarter".
    """

    requests: int = 0
    rationed: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        counts = {"requests": self.requests, **self.rationed}
        needed = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        return f"{needed or 'nothing'}{f' ({self.detail})' if self.detail else ''}"


def rationed_in(estimates: Mapping[str, Estimate]) -> dict[str, int]:
    """How much of each that is rationed all streams need together."""
    total: Counter[str] = Counter()
    for each in estimates.values():
        total.update(each.rationed)
    return dict(total)


def estimate_lines(
    estimates: Mapping[str, Estimate], requests_per_second: float, left: str = ""
) -> Iterator[tuple[str, dict[str, t.Any]]]:
    """The lines of the log: the whole run first, then each stream that needs anything.

    With each come the fields that say the same in a structured log.

    Args:
        estimates: What each stream needs, by its name.
        requests_per_second: The pace.
        left: What is left of what is rationed, if that is known.
    """
    requests = sum(each.requests for each in estimates.values())
    seconds = requests / requests_per_second + sum(each.seconds for each in estimates.values())
    whole = Estimate(requests, rationed_in(estimates))
    line = (
        f"This run needs at least {whole}, and {timedelta(seconds=round(seconds))} (h:mm:ss) at "
        f"{requests_per_second:g} requests a second{f'; {left}' if left else ''}"
    )
    yield line, {"requests": requests, **whole.rationed, "seconds": round(seconds)}
    for name, each in estimates.items():
        if each.requests or any(each.rationed.values()):
            yield f"  {name}: {each}", {"of": name, "requests": each.requests, **each.rationed}
