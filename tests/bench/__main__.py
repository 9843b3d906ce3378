"""`python -m tests.bench`: how fast the taps read, what they hold, and how they keep the rates.

The sandbox runs on the same machine and takes its share of it, so the figures are the least that
a tap can do. They are for comparison with each other, in one run. There are seven measurements:

records  what a record costs, beside the least possible, the SDK's own way, and dlt
lists    Clari: lists of calls, of three sizes, without a rate limit
rate     Clari: details of calls, at the rate that is allowed, of a quick and of a slow API
exports  Clari: exports of activities, of three sizes
files    Gladly: export files of conversation items, of three sizes
reports  Gladly: a report of a busy and of a quiet account, at the rates that are allowed
changes  Gladly: what is read by id, at the rate that is allowed, and what it costs to know of it
"""

from __future__ import annotations

import argparse

from tests.bench.calls import show_lists, show_rate
from tests.bench.exports import show_exports
from tests.bench.gladly_changes import show_changes
from tests.bench.gladly_files import show_files
from tests.bench.gladly_reports import show_reports
from tests.bench.records import show_records

LATENCIES = (0.05, 0.3, 1.5, 3.0)
"""Seconds that an answer takes."""


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
        choices=["records", "lists", "rate", "exports", "files", "reports", "changes"],
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
    if options.only in {None, "records"}:
        show_records(options.records, options.rounds, options.programs, options.kinds)
    if options.only in {None, "lists"}:
        show_lists([options.calls // 100, options.calls // 10, options.calls])
    if options.only in {None, "rate"}:
        show_rate(options.details, LATENCIES)
    if options.only in {None, "exports"}:
        show_exports([options.activities // 100, options.activities // 10, options.activities])
    if options.only in {None, "files"}:
        show_files([options.items // 100, options.items // 10, options.items])
    if options.only in {None, "reports"}:
        show_reports()
    if options.only in {None, "changes"}:
        show_changes()


if __name__ == "__main__":
    main()
