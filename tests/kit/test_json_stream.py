"""Documents of any size with what no reader of JSON takes, in pieces of any size."""

from __future__ import annotations

import io
import json

import pytest
from tap_clari.kit.json_stream import (
    PIECE,
    clean_json,
    cut_list,
    decode_utf8,
    has_long_number,
    objects_of,
)

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


RECORD = {"id": "a", "of": [{"id": "b"}, {"id": 'c"},{"id":'}], "text": "},{\\", "n": 1.5}
SHAPES = (
    ("[", ",", "]", None),
    ('{"rows":[', ",", "]}", "rows"),
    ('\ufeff {\n  "rows" : [\n    ', ",\n    ", "\n  ]\n}\n", "rows"),
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 50_000])
def test_a_list_is_cut_between_its_records(
    shape: tuple[str, str, str, str | None], count: int
) -> None:
    begin, between, end, name = shape
    records = [json.dumps({**RECORD, "id": str(number)}) for number in range(count)]
    content = (begin + between.join(records) + end).encode()
    pieces = cut_list(io.BytesIO(content))
    assert pieces
    assert pieces.name == name
    assert max(length for _, length in pieces.places) < 2 * PIECE + 1000
    found = [
        bytes(each).decode()
        for place, length in pieces.places
        for each in objects_of(content[place : place + length])
    ]
    assert found == records


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'[{"id":1}',
        b'[{"id":1}]]',
        b'{"rows":[{"id":1}]',
        b'{"\\ud83d":[{"id":1}]}',
        b'{"rows":[{"id":1}],"more":[{"id":2}]}',
        b'{"count":1,"rows":[{"id":1}]}',
        b'[{"id":1},{"id":NaN}]',
        b'[{"id":"\\ud83d"}]',
        b'[{"id":"\xff"}]',
        b'[{"id":"\x01"}]',
        b'[{"id":1}]' + b"\n[2]",
    ],
)
def test_any_other_document_is_not_cut(content: bytes) -> None:
    assert cut_list(io.BytesIO(content)) is None
    # Nor where what is wrong comes late.
    if content.startswith(b"[{"):
        late = b'[{"id":1},' + b'{"id":2},' * 300_000 + content[1:]
        assert cut_list(io.BytesIO(late)) is None
