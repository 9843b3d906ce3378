"""The CSV of a report, with all that can be odd about it."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.report_truth import REPORTS, days_ago, first_retry, without_added

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run
    from tests.sandbox.faults import FaultOptions

STREAM = "report_contact_export_v3"
HEADER = "Contact ID,Queued At,Channel,Link\r\n"
TIME = "2026-01-02T03:04:05.000000Z"

LINKS = (
    "two\nlines",
    "two\r\nlines, and\rmore",
    'he said "no"',
    "\n\n",
    "a,b;c\td",
    "line\u2028separator\x85\x0c",
    "👩\u200d👩 e\u0301",
    " padded ",
    "x" * 200_000 + "\n" + "ü" * 200_000,
    "\\N",
    "=1+1",
)
"""Cells that break careless readers; one is longer than Python's reader lets in unasked."""


def received(gladly: Gladly, body: str | bytes) -> Run:
    """What arrives of a CSV."""
    reports = gladly.sandbox.reports
    reports.body_instead = body.encode() if isinstance(body, str) else body
    reports.content_type_instead = "text/csv"
    run = gladly.tap.run(STREAM, start_date=days_ago(1))
    assert run.returncode == 0, run.log
    return run


def row(number: int, link: str | None = None) -> Record:
    """A record of the CSV's rows."""
    return {"contact_id": f"c{number}", "queued_at": TIME, "channel": "CHAT", "link": link}


def test_cells_arrive_as_they_are(gladly: Gladly) -> None:
    body = HEADER
    for number, link in enumerate(LINKS):
        quoted = link.replace('"', '""')
        body += f'c{number},{TIME},CHAT,"{quoted}"\r\n'
    run = received(gladly, f"{body}c99,{TIME},CHAT,\r\n")
    assert without_added(run.records[STREAM]) == [
        *(row(n, link) for n, link in enumerate(LINKS)),
        row(99),
    ]
    assert not run.warnings


def received_one_by_one(gladly: Gladly, bodies: tuple[str, ...]) -> Iterator[list[Record]]:
    """What arrives of each of several CSVs, nothing of which is worth another warning."""
    reports = gladly.sandbox.reports
    reports.content_type_instead = "text/csv"
    left = iter(bodies)

    def give() -> None:
        reports.body_instead = next(left).encode()

    gladly.sandbox.faults.add(path=REPORTS, times=None, hook=give)
    entries = [{"metric_set": "ContactExportReportV3", "name": str(n)} for n in range(len(bodies))]
    catalog = gladly.tap.discover(reports=entries, api_token=None)
    streams = [f"report_{number}" for number in range(len(bodies))]
    run = gladly.tap.run(*streams, reports=entries, catalog=catalog, start_date=days_ago(1))
    assert run.returncode == 0, run.log
    assert not run.warnings
    assert not any(left)
    for stream in streams:
        assert stream in run.schemas
        assert run.bookmark(stream)
        yield without_added(run.records[stream])


def test_what_comes_before_the_header_is_no_row(gladly: Gladly) -> None:
    before = ("\ufeff", "\n\n", "\r\n", "\ufeff\r\n\r\n", ",,,\n", "\n \n", " \r\n\t\r\n")
    bodies = tuple(f"{each}{HEADER}c1,{TIME},CHAT,x\r\n" for each in before)
    for records in received_one_by_one(gladly, bodies):
        assert records == [row(1, "x")]


def test_a_report_without_rows_is_empty(gladly: Gladly) -> None:
    bodies = ("", "\ufeff", "\n", "\r\n\r\n", HEADER, HEADER.strip())
    for records in received_one_by_one(gladly, bodies):
        assert records == []


def test_the_last_line_may_lack_its_end_and_others_may_be_blank(gladly: Gladly) -> None:
    run = received(gladly, f"{HEADER}\r\nc1,{TIME},CHAT,x\r\n\r\n,,,\r\nc2,{TIME},CHAT,y")
    assert without_added(run.records[STREAM]) == [row(1, "x"), row(2, "y")]


def test_headers_may_be_quoted_and_padded(gladly: Gladly) -> None:
    run = received(gladly, f'"Contact ID", Queued At ,"Chan\nnel",LINK\nc1,{TIME},CHAT,x\n')
    assert without_added(run.records[STREAM]) == [
        {"contact_id": "c1", "queued_at": TIME, "link": "x", "_extra": {"chan_nel": "CHAT"}}
    ]


def test_rows_may_be_shorter_and_longer_than_the_header(gladly: Gladly) -> None:
    run = received(gladly, f"{HEADER}c1,{TIME},CHAT,x,more,,yet\nc2,{TIME}\nc3,{TIME},CHAT,z\n")
    assert without_added(run.records[STREAM]) == [
        {**row(1, "x"), "_extra": {"column_5": "more", "column_6": None, "column_7": "yet"}},
        {"contact_id": "c2", "queued_at": TIME},
        row(3, "z"),
    ]
    assert {each for each in ("column_5", "column_7") if each in "".join(run.warnings)} == {
        "column_5",
        "column_7",
    }


def test_headers_may_be_there_twice_or_not_at_all(gladly: Gladly) -> None:
    header = "Contact ID,Queued At,Channel,Link,Link,link!,,\u2013"
    run = received(gladly, f"{header}\nc1,{TIME},CHAT,a,b,c,d,e\n")
    extra = {"link_2": "b", "link_3": "c", "column_7": "d", "column_8": "e"}
    assert without_added(run.records[STREAM]) == [{**row(1, "a"), "_extra": extra}]


def test_what_no_target_can_hold_is_replaced(gladly: Gladly) -> None:
    body = f"{HEADER}c1,{TIME},CHAT,a\0b\nc2,{TIME},CHAT,a".encode() + b"\xff\xc3(\n"
    run = received(gladly, body)
    assert run.ids(STREAM, "link") == ["a\ufffdb", "a\ufffd\ufffd("]


def test_a_row_without_its_key_is_not_lost(gladly: Gladly) -> None:
    run = received(gladly, f"{HEADER},{TIME},CHAT,x\n,{TIME},CHAT,y\n")
    first, second = run.ids(STREAM, "contact_id")
    assert first != second
    assert first.startswith("sha256:")
    assert run.ids(STREAM, "link") == ["x", "y"]
    assert len(run.warnings) == 1


PAGE = b"<!doctype html><html><body>SECRET-IN-BODY</body></html>"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", PAGE),
        ("text/csv", PAGE),
        ("text/csv", b"\xef\xbb\xbf\n  <html>\n"),
        ("application/json", b'{"errors":[{"detail":"SECRET-IN-BODY"}]}'),
        ("text/csv", b'{"errors":[{"detail":"SECRET-IN-BODY"}]}'),
        ("application/octet-stream", b'[{"code":"SECRET-IN-BODY"}]'),
    ],
)
def test_what_is_no_csv_is_asked_for_again(gladly: Gladly, kind: str, body: bytes) -> None:
    reports = gladly.sandbox.reports
    reports.body_instead, reports.content_type_instead = body, kind
    log = first_retry(gladly, STREAM, start_date=days_ago(5))
    assert "POST /reports: " in log
    assert "CSV" in log
    assert "SECRET-IN-BODY" not in log


@pytest.mark.parametrize("fault", ["truncate", "reset", "unframed", "html"])
def test_a_report_that_does_not_come_whole_is_asked_for_again(gladly: Gladly, fault: str) -> None:
    options: FaultOptions = {"path": REPORTS, "times": None}
    options[fault] = True  # type: ignore[literal-required]
    gladly.sandbox.faults.add(**options)
    assert "POST /reports: " in first_retry(gladly, STREAM, start_date=days_ago(5))


def test_gladly_s_word_for_nothing_is_nothing_where_it_is_no_text(gladly: Gladly) -> None:
    header = "Contact ID,Queued At,Channel,Link,Customer ID,Conversation ID\r\n"
    run = received(gladly, f"{header}c1,Null,CHAT,Null,Null,t1\r\n")
    [record] = without_added(run.records[STREAM])
    assert record["queued_at"] is None
    assert record["link"] == "Null"
    assert (record["customer_id"], record["conversation_id"]) == (None, "t1")
    assert "_extra" not in record
    assert not run.warnings
