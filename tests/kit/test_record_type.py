"""Most records of each kind are decoded at once; what does not fit is told apart."""

from __future__ import annotations

import logging
import typing as t

import msgspec
import pytest
import tap_clari.schemas
import tap_gladly.schemas
from singer_sdk import SchemaDirectory
from tap_clari.kit.conformance import RecordConformer
from tap_clari.kit.record_type import member
from tap_clari.kit.times import parse_time_or_epoch

from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.crm import Crm
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.items import Items
from tests.sandbox.revenue.activities import some_activities

if t.TYPE_CHECKING:
    from types import ModuleType

    from tap_clari.kit.record_type import Decode

Record = dict[str, t.Any]


def decoder(schemas: ModuleType, name: str, key: str) -> Decode:
    """The decoder of a stream."""
    conform = RecordConformer(
        SchemaDirectory(schemas).fetch_schema(name),
        (key,),
        logging.getLogger(__name__),
        read_time=parse_time_or_epoch,
    )
    return conform.decode_fitting


def calls() -> list[Record]:
    """Calls of the sandbox."""
    account = CopilotSandbox(calls=300).account
    return [account.listed(call_id) for call_id in account.call_ids()]


def items() -> list[Record]:
    """Items of the sandbox, but for those that hold half a character."""
    make = Items(1, GladlySandbox(history_days=0).account, [{"id": "c"}])
    made = [make.make_for_file(1_790_000_000 * 10**9) for _ in range(300)]
    return [each for each in made if "\\ud83d" not in ascii(each)]


@pytest.mark.parametrize(
    ("decode", "records"),
    [
        (decoder(tap_clari.schemas, "calls", "id"), calls()),
        (
            decoder(tap_clari.schemas, "activities", "activityId"),
            some_activities(1, Crm(1), 300),
        ),
        (decoder(tap_gladly.schemas, "export_conversation_items", "id"), items()),
    ],
)
def test_most_records_are_decoded_at_once(decode: Decode, records: list[Record]) -> None:
    fitting = 0
    for record in records:
        try:
            decode(msgspec.json.encode(record))
        except msgspec.DecodeError:
            continue
        fitting += 1
    assert fitting > 0.7 * len(records)


@pytest.mark.parametrize(
    "content",
    [
        b'{"activityId":null}',
        b'{"activityId":""}',
        b'{"activityId":1}',
        b'{"subject":"x"}',
        b'{"activityId":"1","new":1}',
        b'{"activityId":"1","_extra":null}',
        b'{"activityId":"1","subject":5}',
        b'{"activityId":"1","date":"no time"}',
        b'{"activityId":"1","date":""}',
        b'{"activityId":"1","participants":[{"isInternal":"true"}]}',
        b'{"activityId":"1","participants":[{"new":1}]}',
        b'{"activityId":"1"',
        b"[]",
    ],
)
def test_what_does_not_fit_is_refused(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoder(tap_clari.schemas, "activities", "activityId")(content)


def test_what_fits_stays_as_it_is_but_for_its_times() -> None:
    content = b'{"activityId":"1","date":1700000000000,"subject":null,"accounts":[null,{}]}'
    record = decoder(tap_clari.schemas, "activities", "activityId")(content)
    assert msgspec.to_builtins(record) == {
        "activityId": "1",
        "date": "2023-11-14T22:13:20.000000Z",
        "subject": None,
        "accounts": [None, {}],
    }
    assert member(record, "activityId") == "1"
    assert member(record, "activityType") is None
    assert member(record, "none") is None


def test_numbers_stay_what_they_are() -> None:
    content = b'{"id":"1","metrics":{"talk_listen_ratio":1,"total_speak_duration":1.0}}'
    record = decoder(tap_clari.schemas, "calls", "id")(content)
    assert msgspec.json.encode(record) == content
