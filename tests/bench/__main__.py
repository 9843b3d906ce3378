"""`python -m tests.bench`: how fast the taps read, what they hold, and how they keep the rates.

The sandbox runs on the same machine and takes its share of it, so the figures are the least that
a tap can do. They are for comparison with each other, in one run.
"""

from __future__ import annotations

import argparse

from tests.bench.calls import show_lists, show_rate
from tests.bench.exports import show_exports
from tests.bench.gladly_files import show_files
from tests.bench.gladly_reports import show_reports


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="calls of the largest list")
    parser.add_argument("--details", type=int, default=600, help="calls whose details are read")
    parser.add_argument(
        "--activities", type=int, default=1_000_000, help="activities of the largest export"
    )
    parser.add_argument(
        "--items", type=int, default=5_000_000, help="conversation items of Gladly's largest file"
    )
    parser.add_argument(
        "--only",
        choices=["lists", "rate", "exports", "files", "reports"],
        help="one of the measurements: the first three are of Clari, the others of Gladly",
    )
    options = parser.parse_args()
    if options.only in {None, "lists"}:
        show_lists([options.calls // 100, options.calls // 10, options.calls])
    if options.only in {None, "rate"}:
        show_rate(options.details, latency=0.3)
    if options.only in {None, "exports"}:
        show_exports([options.activities // 100, options.activities // 10, options.activities])
    if options.only in {None, "files"}:
        show_files([options.items // 100, options.items // 10, options.items])
    if options.only in {None, "reports"}:
        show_reports()


if __name__ == "__main__":
    main()
