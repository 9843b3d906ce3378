"""How a list of the Revenue API is read in which each page leads to the next by a link."""

from __future__ import annotations

import typing as t
from urllib.parse import urljoin

from singer_sdk.exceptions import FatalAPIError

from tap_clari.wire import record

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_clari.client import ClariStream, Params
    from tap_clari.wire import Answer


def linked_pages(stream: ClariStream, path: str, params: Params) -> Iterator[Answer]:
    """Yield each page; `nextLink` leads on, on the configured origin only.

    Raises:
        FatalAPIError: If a link leads elsewhere, or back.
    """
    answer = stream.fetch(path, params)
    followed: set[str] = set()
    while True:
        yield answer
        link = record(answer).get("nextLink")
        if not link:
            return
        try:
            url = urljoin(f"{stream.url_base}{path}", str(link))
        except ValueError as error:
            raise FatalAPIError(stream.errors.leads_elsewhere(path)) from error
        if url in followed:
            raise FatalAPIError(stream.errors.circular(path))
        followed.add(url)
        answer = stream.fetch_link(url, path)
