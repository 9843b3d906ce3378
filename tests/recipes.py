"""What the READMEs of the taps recommend, as it stands there."""

from __future__ import annotations

import re
import typing as t

import yaml

from tests.pipeline import ROOT

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+\d{8,14}")
LONG_ENOUGH = 20
"""Characters of a text that no other column holds by chance."""


def without_personal_data(tap: str) -> dict[str, t.Any]:
    """The settings of the README's section on personal data."""
    readme = (ROOT / tap / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Without personal data", 1)[1].split("\n## ", 1)[0]
    [block] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    config: dict[str, t.Any] = yaml.safe_load(block)["config"]
    return config


def originals(
    value: t.Any,  # noqa: ANN401
    texts_at: frozenset[str],
    *,
    inside: bool = False,
) -> t.Iterator[str]:
    """The originals in a record: every address and phone number, and the texts of some members.

    Args:
        value: The record, or a part of it.
        texts_at: The names of the members that hold texts.
        inside: Whether the value is in one of them.
    """
    if isinstance(value, dict):
        for name, each in value.items():
            yield from originals(each, texts_at, inside=inside or name in texts_at)
    elif isinstance(value, list):
        for each in value:
            yield from originals(each, texts_at, inside=inside)
    elif isinstance(value, str):
        yield from EMAIL.findall(value)
        yield from PHONE.findall(value)
        if inside and len(value) >= LONG_ENOUGH:
            yield value
