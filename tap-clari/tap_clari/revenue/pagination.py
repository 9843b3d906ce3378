"""Lists of the Revenue API in which each page links to the next."""

from __future__ import annotations

import typing as t
from functools import partial
from urllib.parse import urljoin

from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.client import ORDINARY
from tap_clari.kit.conformance import hash_of
from tap_clari.kit.decoding import decode_list, decode_object
from tap_clari.kit.errors import UnexpectedResponseError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_clari.kit.client import ApiClient, Handling, Params
    from tap_clari.kit.decoding import Answer

    Record = dict[str, t.Any]

MAX_REPEATED_PAGES = 3
"""Pages in a row without anything new, after which the list is taken to have no end."""


class LinkedPage(t.NamedTuple):
    """A page.

    Args:
        records: The records.
        members: The whole answer.
    """

    records: list[Record]
    members: Record


def follow_next_links(
    client: ApiClient,
    path: str,
    params: Params,
    *list_names: str,
    handling: Handling = ORDINARY,
) -> Iterator[LinkedPage]:
    """Yield each page; `nextLink` leads on, on the configured origin only.

    Args:
        client: Makes the requests.
        path: The endpoint.
        params: The query of the first page.
        list_names: The names of the member that holds the records.
        handling: How the answer with the first page is taken.

    Raises:
        FatalAPIError: If a link leads elsewhere, or the pages do not end.
    """
    decode = partial(_decode, list_names)
    page = client.fetch(path, decode, params, handling=handling)
    known: set[str] = set()
    repeated = 0
    while True:
        yield page
        link = page.members.get("nextLink")
        if not link:
            return
        if not isinstance(link, str):
            missing = "'nextLink' as a text"
            raise UnexpectedResponseError(path, missing)
        content = hash_of({"records": page.records})
        repeated = repeated + 1 if content in known or not page.records else 0
        known.add(content)
        try:
            url = urljoin(f"{client.url_base}{path}", link)
        except ValueError as error:
            raise FatalAPIError(client.errors.leads_elsewhere(path)) from error
        if url in known or repeated >= MAX_REPEATED_PAGES:
            raise FatalAPIError(client.errors.circular(path))
        known.add(url)
        page = client.fetch_link(url, path, decode)


def _decode(list_names: tuple[str, ...], answer: Answer) -> LinkedPage:
    return LinkedPage(decode_list(answer, *list_names), decode_object(answer))
