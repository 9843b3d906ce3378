"""Lists of the Revenue API in which each page links to the next."""

from __future__ import annotations

import typing as t
from urllib.parse import urljoin

from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.decoding import decode_object

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_clari.kit.client import ApiClient, Params
    from tap_clari.kit.decoding import Answer


def follow_next_links(client: ApiClient, path: str, params: Params) -> Iterator[Answer]:
    """Yield each page; `nextLink` leads on, on the configured origin only.

    Raises:
        FatalAPIError: If a link leads elsewhere, or back.
    """
    answer = client.fetch(path, params)
    followed: set[str] = set()
    while True:
        yield answer
        link = decode_object(answer).get("nextLink")
        if not link:
            return
        try:
            url = urljoin(f"{client.url_base}{path}", str(link))
        except ValueError as error:
            raise FatalAPIError(client.errors.leads_elsewhere(path)) from error
        if url in followed:
            raise FatalAPIError(client.errors.circular(path))
        followed.add(url)
        answer = client.fetch_link(url, path)
