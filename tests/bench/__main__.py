"""`python -m tests.bench`: how fast the taps read, what they hold, and how they keep the rates.

The sandbox runs on the same machine and takes its share of it, so the figures are the least that
a tap can do. They are for comparison with each other, in one run. There are eleven measurements,
and `results.md` beside this keeps the newest of each:

starts   what a start of a tap costs
records  what a record costs, beside the least possible, the SDK's own way, and dlt
lists    Clari: lists of calls, of three sizes, without a rate limit
rate     Clari: details of calls, at the rate that is allowed, of a quick and of a slow API
exports  Clari: exports of activities, of three sizes
files    Gladly: export files of conversation items, of three sizes
reports  Gladly: a report of a busy and of a quiet account, at the rates that are allowed
changes  Gladly: what is read by id, at the rate that is allowed, and what it costs to know of it
states   Gladly: how long the state is, by how much is read by id
idle     how many requests a run makes when nothing is new
pipeline what `meltano run` costs as a whole, with and without the settings of meltano.yml
"""

from __future__ import annotations

import argparse
import typing as t

from tests.bench.calls import show_lists, show_rate
from tests.bench.exports import show_exports
from tests.bench.gladly_changes import show_changes
from tests.bench.gladly_files import show_files
from tests.bench.gladly_reports import show_reports
from tests.bench.idle import show_idle
from tests.bench.pipeline import show_pipeline
from tests.bench.records import show_records
from tests.bench.starting import show_starts, show_states

if t.TYPE_CHECKING:
    from collections.abc import Callable

PARENTS = [100, 1_000, 10_000]
"""How many conversations are read by id, to see how long the state is."""

LOADED = 100_000
"""How many items the whole pipeline loads."""

LATENCIES = (0.05, 0.3, 1.5, 3.0)
"""Seconds that an answer takes."""


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "starts": lambda _: show_starts(),
    "records": lambda to: show_records(to.records, to.rounds, to.programs, to.kinds),
    "lists": lambda to: show_lists([to.calls // 100, to.calls // 10, to.calls]),
    "rate": lambda to: show_rate(to.details, LATENCIES),
    "exports": lambda to: show_exports([to.activities // 100, to.activities // 10, to.activities]),
    "files": lambda to: show_files([to.items // 100, to.items // 10, to.items]),
    "reports": lambda _: show_reports(),
    "changes": lambda _: show_changes(),
    "states": lambda _: show_states(PARENTS),
    "idle": lambda _: show_idle(),
    "pipeline": lambda _: show_pipeline(LOADED),
}


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--calls", type=int, default=1_000_000, help="lists: calls of the largest (%(default)s)"
    )
    parser.add_argument(
        "--details", type=int, default=600, help="rate: calls whose details are read (%(default)s)"
    )
    parser.add_argument(
        "--activities",
        type=int,
        default=1_000_000,
        help="exports: activities of the largest (%(default)s)",
    )
    parser.add_argument(
        "--items",
        type=int,
        default=5_000_000,
        help="files: items of the largest (%(default)s)",
    )
    parser.add_argument(
        "--only",
        choices=[*MEASUREMENTS],
        help="one measurement instead of all",
    )
    parser.add_argument(
        "--records", type=int, default=200_000, help="records: of each kind (%(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="records: runs of each program (%(default)s)"
    )
    parser.add_argument(
        "--programs", nargs="*", default=[], help="records: floor, tap, SDK and so on (all)"
    )
    parser.add_argument("--kinds", nargs="*", default=[], help="records: calls and so on (all)")
    options = parser.parse_args()
    for name, measure in MEASUREMENTS.items():
        if options.only in {None, name}:
            measure(options)


if __name__ == "__main__":
    main()
