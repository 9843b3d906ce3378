"""Reads each month of each account that was not read yet, one after the other, without a daemon.

A backfill that is started in Dagster's own pages reads several at once.
"""

from __future__ import annotations

import dagster as dg
from definitions import MONTHS


def main() -> None:
    """Read what is missing."""
    with dg.DagsterInstance.get() as instance:
        for months in MONTHS:
            read = instance.get_materialized_partitions(months.key)
            for key in months.partitions_def.get_partition_keys():
                if key not in read:
                    dg.materialize([months], partition_key=key, instance=instance)


if __name__ == "__main__":
    main()
