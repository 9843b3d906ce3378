"""Each sentence that ends a run has a row in the table that says what to do, and no row is stale.

The sentences are taken from the code: a text that begins as a sentence does and ends with a full
stop, and is neither a warning nor the description of a setting or a column.
"""

from __future__ import annotations

import ast
import json
import re
import typing as t
from pathlib import Path

import pytest

from tests.running import discovered
from tools import definitions

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
APIS = {"tap-clari": ("Clari", "Clari Copilot"), "tap-gladly": ("Gladly",)}
ANY = "…"
"""What stands for a value, in a row and here."""
SHORTEST = 12
"""Characters that a row has to say of a sentence, so that it does not stand for all of them."""
LOGGED = {"debug", "info", "warning", "error", "exception", "log", "warn_once", "_warn_once"}
CONTINUED = (
    "All …",
    "The setting … cannot be applied to the stream …",
    "Clari refuses to start an export job for its quota",
)
"""How those begin that another one continues."""
NO_END = (
    "The … it has are kept",
    "No other endpoint has them.",
    "…; reports may need the role",
    "…: … is …, which fails with …",
    "… (…): correct it.",
    "PRAGMA ",
    "This run needs at least ",
    "…s: … since …",
    "What a merge moved to the customer …",
    "Gladly lists …",
    "Gladly leads from one merged …",
)
"""How those begin that end no run: parts of a sentence, and what is logged."""


class Sentences(ast.NodeVisitor):
    """The sentences of a module, with what stands for each value in them."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> None:
        """Pass by what is logged."""
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in LOGGED):
            self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        """Pass by what describes a setting."""
        if node.arg != "description":
            self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        """Pass by what describes a column."""
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and key.value == "description"):
                self.visit(value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Pass by documentation."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Take a text."""
        if isinstance(node.value, str):
            self._take(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Take a text with values in it."""
        self._take("".join(_shown(part) for part in node.values))

    def _take(self, text: str) -> None:
        begins = re.match(rf"[A-Z{{{ANY}]", text)
        ends = text.endswith((".", ANY)) or text.startswith(CONTINUED)
        if begins and ends and len(text.split()) > 3:
            self.found.append(text)


def _shown(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    value = ast.unparse(part.value)
    if value.endswith("path"):
        return f"/{ANY}"
    return "{api}" if value == "self.api" else ANY


def sentences(tap: str) -> Iterator[str]:
    """What may end a run of the tap."""
    package = ROOT / tap / tap.replace("-", "_")
    descriptions = [definitions.about(tap)["settings"], discovered(tap)]
    described = json.dumps(descriptions, indent=0)
    for path in sorted([*(ROOT / "kit").glob("*.py"), *package.rglob("*.py")]):
        if path.is_relative_to(package / "kit"):
            continue
        visitor = Sentences()
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        for found in dict.fromkeys(visitor.found):
            pattern = ".*".join(map(re.escape, found.split(ANY)))
            if not found.startswith(NO_END) and not re.search(
                f'"{pattern}"', described, re.MULTILINE
            ):
                yield found


def rows(tap: str) -> list[str]:
    """How sentences begin, by the first column of the table."""
    readme = (ROOT / tap / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## When something goes wrong\n", 1)[1]
    cells = re.findall(r"^\| (`.*?) \| ", section, re.MULTILINE)
    return [row for cell in cells for row in re.findall(r"`([^`]+)`", cell)]


def is_of(row: str, sentence: str, tap: str) -> bool:
    """Whether a row is about a sentence."""
    pattern = ".*".join(re.escape(piece.strip()) for piece in row.split(ANY))
    each_api = {sentence.replace("{api}", api) for api in APIS[tap]}
    return any(re.match(pattern, text) for text in each_api)


@pytest.mark.parametrize("tap", APIS)
def test_each_sentence_has_a_row_and_each_row_a_sentence(tap: str) -> None:
    told, listed = [*sentences(tap)], rows(tap)
    assert len(told) > 30
    vague = [row for row in listed if len(row.replace(ANY, "")) < SHORTEST]
    assert not vague
    assert not [each for each in told if not any(is_of(row, each, tap) for row in listed)]
    assert not [row for row in listed if not any(is_of(row, each, tap) for each in told)]
