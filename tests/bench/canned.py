"""`python -m tests.bench.canned KIND COUNT`: a server that costs next to nothing.

It answers with bytes that are made before the first request. Its first line of output is its
address. The records are those of the sandbox, some hundreds of them over and over, each with an id
and a time of its own.
"""

from __future__ import annotations

import sys
import typing as t
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.bench.records import KINDS
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.crm import Crm
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.items import Items
from tests.sandbox.revenue.activities import activity

Record = dict[str, t.Any]
Answer = t.Callable[[dict[str, str]], bytes]

TEMPLATES = 400
STEP = timedelta(minutes=2)
"""Between two calls. The last is some minutes old, as it has to be to be read."""
NOW = datetime.now(timezone.utc)
LONGEST_ITEM = 3000
ORDINARY_TEXT = (
    " I wrote a week ago and nobody has come back to me since. The label says that it left your "
    "warehouse on Monday, and the carrier has not seen it. Could you look where it is, please, or "
    "send another one? I am at home until Friday. Thank you, and kind regards."
)


def calls(count: int) -> dict[str, Answer]:
    """The list of calls, by pages, and by windows of modified time."""
    account = CopilotSandbox(calls=TEMPLATES).account
    templates = [
        (call_id.encode(), str(call["last_modified_time"]).encode(), msgspec.json.encode(call))
        for call_id in account.call_ids()
        if (call := account.listed(call_id))["last_modified_time"]
    ]
    times = [_milliseconds(NOW - STEP * (count - number + 5)) for number in range(count)]
    records = []
    for number, modified in enumerate(times):
        old_id, old_time, record = templates[number % len(templates)]
        record = record.replace(old_id, b"%024x" % number)
        records.append(record.replace(b'"%b"' % old_time, b'"%b"' % modified.encode()))
    ends = list(accumulate(len(record) + 1 for record in records))
    everything = b",".join(records)

    def page(query: dict[str, str]) -> bytes:
        first = bisect_right(times, query.get("filterModifiedGt", ""))
        last = bisect_left(times, query.get("filterModifiedLt", "9"))
        begin = min(first + int(query["skip"]), last)
        end = min(begin + int(query["limit"]), last)
        start = ends[begin - 1] if begin else 0
        found = everything[start : ends[end - 1] - 1] if end > begin else b""
        return b'{"calls":[%b],"pagination":{"matched":%d,"hasMore":%b,"nextPageSkip":%d}}' % (
            found,
            last - first,
            b"true" if end < last else b"false",
            end - first,
        )

    return {KINDS["calls"].path: page}


def activities(count: int) -> dict[str, Answer]:
    """A job that is done as soon as it was started, with its result."""
    crm = Crm(1)
    made = [activity(1, crm, number, 1) for number in range(TEMPLATES)]
    templates = [(each["activityId"].encode(), msgspec.json.encode(each)) for each in made]
    now = int(NOW.timestamp() * 1000)
    records = []
    for number in range(count):
        old_id, record = templates[number % TEMPLATES]
        record = record.replace(old_id, b"%032x" % number)
        records.append(record.replace(b'"date":1,', b'"date":%d,' % (now - 60_000 * number)))
    job = {"jobId": "1", "status": "DONE", "startTime": now, "endTime": now, "module": "Activity"}
    return {
        "/v4/admin/limits": _always(
            {"jobs": {"availableConcurrentLimit": 5, "availableMonthlyQuota": 90}}
        ),
        "/v4/export/activity": _always({"jobId": "1"}),
        "/v4/export/jobs": _always({"jobs": [job]}),
        "/v4/export/jobs/1": _always({"job": job}),
        KINDS["activities"].path: _always(b'{"activities":[%b]}' % b",".join(records)),
    }


def items(count: int) -> dict[str, Answer]:
    """One export job, and its file of conversation items."""
    customers: list[Record] = [{"id": f"c{number:021}"} for number in range(100)]
    make = Items(1, GladlySandbox(history_days=0).account, customers)
    templates: list[tuple[bytes, bytes]] = []
    while len(templates) < TEMPLATES:
        item = make.make_for_file(int(NOW.timestamp()) * 10**9)
        for name in {"content", "body"} & item["content"].keys():
            # Those of the sandbox are short, but for a few that are awkward.
            item["content"][name] = item["content"][name][:60].replace("\0", "") + ORDINARY_TEXT
        try:
            line = msgspec.json.encode(item)
        except UnicodeEncodeError:
            continue
        if len(line) < LONGEST_ITEM:
            templates.append((item["id"].encode(), line))
    lines = []
    for number in range(count):
        old_id, line = templates[number % TEMPLATES]
        lines.append(line.replace(old_id, b"%022x" % number))
    start, end, updated = (_milliseconds(NOW - timedelta(hours=hours)) for hours in (25, 2, 1))
    job = {
        "id": "1",
        "scheduleId": "1",
        "status": "COMPLETED",
        "updatedAt": updated,
        "parameters": {"type": "CONVERSATIONS", "startAt": start, "endAt": end},
        "files": ["conversation_items.jsonl"],
    }
    return {
        "/api/v1/export/jobs": _always([job]),
        KINDS["items"].path: _always(b"\n".join([*lines, b""])),
    }


def _always(answer: bytes | Record | list[Record]) -> Answer:
    content = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return lambda _: content


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: t.ClassVar[dict[str, Answer]]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        answer = self.answers.get(parts.path)
        content = answer({k: v[0] for k, v in parse_qs(parts.query).items()}) if answer else b""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until the process is ended."""
    kind, count = sys.argv[1:]
    _Handler.answers = globals()[kind](int(count))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
