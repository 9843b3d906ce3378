"""Documents of any size with what no reader of JSON takes, in pieces of any size."""

from __future__ import annotations

import json

import pytest
from tap_clari.kit.json_stream import clean_json, decode_utf8, has_long_number

DOCUMENT = (
    '{"a":"x\\ud83d y \\ud83d\\ude00 \\\\ud83d \n\t","b":[NaN,-Infinity,1.5,'
    + "9" * 5000
    + ",-"
    + "1" * 400
    + 'e5],"c":"z\\"q\\u0041"}'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000, 10**6])
def test_it_is_clean_whatever_the_pieces_are(size: int) -> None:
    content = DOCUMENT.encode()
    pieces = (content[place : place + size] for place in range(0, len(content), size))
    assert json.loads(b"".join(clean_json(pieces))) == {
        "a": "x\ufffd y \U0001f600 \\ud83d \n\t",
        "b": [None, None, 1.5, "9" * 5000, "-" + "1" * 400 + "e5"],
        "c": 'z"qA',
    }


@pytest.mark.parametrize("size", [1, 100, 10**6])
def test_a_number_that_is_too_long_is_found(size: int) -> None:
    for content, is_there in ((DOCUMENT.encode(), True), (b"[" + b"1" * 299 + b"]", False)):
        pieces = (content[place : place + size] for place in range(0, len(content), size))
        assert has_long_number(pieces) == is_there


def test_what_is_cut_off_stays_cut_off() -> None:
    assert b"".join(clean_json(iter([b'{"a": "b', b"c"]))) == b'{"a": "bc'


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    pieces = iter([b'\xef\xbb\xbf["\xc3', b'\xa4\xff"]'])
    assert b"".join(decode_utf8(pieces)).decode() == '["\xe4\ufffd"]'
