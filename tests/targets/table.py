"""The table of `docs/targets.md` that says what each target makes of the taps' messages."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tests.targets.messages import MODES, TAPS
from tests.targets.targets import TARGETS, Target
from tests.targets.translators import TRANSLATORS, Translator

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"
SECTION = re.compile(r"(<!-- make targets writes this -->\n)(.*?)(<!-- to here -->)", re.DOTALL)
WORDS = {"failed": "fails", "skipped": "not tried", "passed": "whole"}

OUTCOMES: defaultdict[tuple[object, object], list[str]] = defaultdict(list)
"""What came of the tests of a target and mode."""

UNTRIED = {
    "target-iceberg": "It is not tried here. It refuses objects "
    "without declared members: set `flattening_enabled: true` at the tap, which makes them texts.",
}


def rows() -> dict[str, tuple[str, str]]:
    """How the row of each target begins, and how it ends."""
    tried: dict[str, Target | Translator] = {**TARGETS, **TRANSLATORS}
    found = {
        name: (f"{name} {each.requirement.partition('==')[2]}", each.known)
        for name, each in tried.items()
    }
    return found | {name: (name, known) for name, known in UNTRIED.items()}


def write_table() -> None:
    """Write what was tried with both taps into the page; the rest of the table stays."""
    text = PAGE.read_text(encoding="utf-8")
    [before] = SECTION.findall(text)
    cells = {line.split(" | ")[0]: line.split(" | ")[1:-1] for line in before[1].splitlines()}
    lines = [["target", *MODES, "what to know"], ["---"] * (len(MODES) + 2)]
    for name, (begin, end) in rows().items():
        row = cells.get(f"| {begin}", ["not tried"] * len(MODES))
        for number, mode in enumerate(MODES):
            outcomes = OUTCOMES[name, mode]
            if len(outcomes) == len(TAPS):
                row[number] = next(WORDS[each] for each in WORDS if each in outcomes)
        lines.append([begin, *row, end])
    table = "".join(f"| {' | '.join(row)} |\n" for row in lines)
    text = SECTION.sub(lambda found: f"{found[1]}{table}{found[3]}", text)
    PAGE.write_text(text, encoding="utf-8")
