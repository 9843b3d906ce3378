"""The links of the pages lead somewhere, also from a package index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tools import definitions

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tap-*/*.md")])
REPOSITORY = yaml.safe_load(definitions.TEXTS.read_text(encoding="utf-8"))["repository"]
IN_REPOSITORY = re.compile(rf"{re.escape(REPOSITORY)}/(?:blob|raw)/main/")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(rf"{REPOSITORY}[^\s)\"]*", text)
    for link in links:
        address, _, anchor = link.partition("#")
        if IN_REPOSITORY.match(address):
            target = ROOT / IN_REPOSITORY.sub("", address)
        elif "://" in address:
            continue
        else:
            # A package index shows the page of a tap alone.
            assert not address or page.parent.parent != ROOT or page.parent.name == "docs", link
            target = page.parent / address if address else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
