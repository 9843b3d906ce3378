"""The words that the made-up people of the sandbox use, from ``wording.json``.

The words are data: they hold what breaks naive readers (line separators, quotes, emoji, scripts
written from right to left), which has no place between lines of code.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec


class Wording(msgspec.Struct, frozen=True):
    """Lists of words to draw from.

    Languages are lists of sentences; the last one is full of awkward characters. Places are city,
    state, country and zip code. Trackers are the phrases that keyword topics look for, and labels
    those of annotations that an AI made.
    """

    languages: list[list[str]]
    titles: list[str]
    first_names: list[str]
    last_names: list[str]
    companies: list[str]
    company_forms: list[str]
    job_titles: list[str]
    places: list[tuple[str, str, str, str]]
    topics: list[str]
    trackers: list[str]
    labels: list[str]
    competitors: list[str]
    sentiments: list[str]
    stages: list[str]
    skills: list[str]

    def person(self, number: int) -> tuple[str, str]:
        """Return first and last name of the person with this number."""
        firsts, lasts = self.first_names, self.last_names
        return (
            firsts[number % len(firsts)],
            lasts[(number // len(firsts) + number * 7) % len(lasts)],
        )

    def company(self, number: int) -> str:
        """Return the name of the company with this number."""
        names, forms = self.companies, self.company_forms
        series = number // len(names)
        form = forms[number % len(forms)]
        name = names[number % len(names)]
        return f"{name} {series} {form}" if series else f"{name} {form}"


@cache
def wording() -> Wording:
    """Read the words, once."""
    return msgspec.json.decode(Path(__file__).with_name("wording.json").read_bytes(), type=Wording)
