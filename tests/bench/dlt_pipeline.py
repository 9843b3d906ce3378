"""`python dlt_pipeline.py KIND URL FORMAT FOLDER`: the same records by dlt, without sub-tables.

It runs in an environment of its own, which has nothing but dlt.
"""

from __future__ import annotations

import sys
import typing as t

import dlt
from dlt.sources.helpers import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

if t.TYPE_CHECKING:
    from collections.abc import Iterator

PAGE_SIZE = 100


def calls(url: str) -> Iterator[t.Any]:
    """The pages of the list."""
    pages = OffsetPaginator(
        PAGE_SIZE, offset_param="skip", total_path="pagination.matched", stop_after_empty_page=True
    )
    yield from RESTClient(url).paginate("", paginator=pages, data_selector="calls")


def activities(url: str) -> Iterator[t.Any]:
    """The document."""
    yield requests.get(url).json()["activities"]


def items(url: str) -> Iterator[t.Any]:
    """The lines of the file, some thousands at a time."""
    lines: list[t.Any] = []
    with requests.get(url, stream=True) as response:
        for line in response.iter_lines():
            lines.append(dlt.common.json.loadb(line))
            if len(lines) == 5000:
                yield lines
                lines = []
    yield lines


def main() -> None:
    """Extract, normalize and load into files."""
    kind, url, file_format, folder = sys.argv[1:]
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=f"{folder}/state",
        destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/out"),
        dataset_name="bench",
    )
    resource = dlt.resource(globals()[kind](url), name=kind, max_table_nesting=0)
    pipeline.run(resource, loader_file_format=t.cast("t.Any", file_format))
    rows = pipeline.last_trace.last_normalize_info.row_counts[kind]
    # As many lines as rows, as the other programs write.
    print('"RECORD"\n' * rows, end="")


if __name__ == "__main__":
    main()
