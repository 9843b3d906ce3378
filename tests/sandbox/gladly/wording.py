"""Texts that break careless readers: each is legal within a JSON string of an export file."""

from __future__ import annotations

AWKWARD = (
    "line\u2028separator and paragraph\u2029separator",
    "next\u0085line, form\x0cfeed, \x1c \x1d \x1e",
    'quotes " and \\ backslashes, \\n no newline, C:\\new',
    "two\nlines\r\nand\ttabs",
    "a nul \x00 in the middle",
    "emoji 👩\u200d👩\u200d👧 🏳️\u200d🌈 and e\u0301 decomposed",
    "שלום \u202eright to left\u202c مرحبا",
    "half a surrogate pair: \ud83d",
    "<div class=\"x\"><p>HTML &amp; <br/>'entities' &#x1F600;</p><!-- - --></div>",
    " padded ",
    "",
    "{},[]:;|'`$%&",
    "long " * 20_000,
    "Where is the parcel?",
)
"""U+2028, U+2029 and U+0085 end lines for ``str.splitlines``, but not in a JSON Lines file."""
