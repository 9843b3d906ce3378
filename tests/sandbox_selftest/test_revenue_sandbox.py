"""The local Revenue API answers as the vendor documents it, over real sockets."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.crm import Crm
from tests.sandbox.instants import micros
from tests.sandbox.revenue import FileHost, RevenueSandbox
from tests.sandbox_selftest.client import ApiClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.revenue import Job

JOBS = "/v4/export/jobs"
FORECAST = "/v4/export/forecast/net_arr"
ACTIVITY = "/v4/export/activity"
EVENTS = "/v4/audit/events"
SIZES_AND_TIMES = ((0, "2026-08-01"), (4000, "2031-02-01"))
NOW = datetime.now(timezone.utc).replace(microsecond=0)


class Client(ApiClient):
    """Asks one sandbox."""

    def __init__(self, revenue: RevenueSandbox) -> None:
        super().__init__(revenue, revenue.headers)
        self.revenue = revenue
        self.account, self.exports = revenue.account, revenue.exports

    def start(self, path: str, **body: Any) -> Job:
        """Start an export that must be accepted."""
        answer = self.ask(path, "POST", json=body)
        assert answer.status_code == (200 if "forecast" in path else 202), answer.text
        job = self.revenue.exports.started[-1]
        assert answer.json() == {"jobId": job.id}
        return job

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        """Return how and why an export was refused."""
        answer = self.ask(path, "POST", json=body)
        return answer.status_code, answer.json()["code"]

    def job(self, job: Job) -> Any:  # noqa: ANN401
        """Return a job as the server shows it."""
        return self.get(f"{JOBS}/{job.id}")["job"]

    def result(self, job: Job) -> Any:  # noqa: ANN401
        """Return the file of a job."""
        return self.get(f"{JOBS}/{job.id}/results")

    def limits(self) -> Any:  # noqa: ANN401
        """Return the limits."""
        return self.get("/v4/admin/limits")["jobs"]


@pytest.fixture
def client() -> Iterator[Client]:
    with RevenueSandbox() as revenue:
        revenue.exports.seconds = 0
        yield Client(revenue)


def test_keys_and_routes(client: Client) -> None:
    for headers in ({"apikey": None}, {"apikey": "wrong"}):
        answer = client.ask(JOBS, headers=headers)
        found = (answer.status_code, answer.json())
        assert found == (401, {"message": "Invalid authentication credentials"})
    for method, path in (("GET", "/v3/x"), ("GET", ACTIVITY), ("POST", JOBS), ("GET", f"{JOBS}/")):
        answer = client.ask(path, method)
        assert (answer.status_code, [*answer.json()]) == (404, ["message", "request_id"])
    assert client.get(JOBS, 400, x="1")["code"] == "bad_request"
    log = client.revenue.traffic
    assert [log.count(method="POST"), log.count(method="PUT")] == [1, 0]
    assert log.count("/v3/x", 404, "GET") == 1
    assert " ".join(one.method for one in log.exchanges(JOBS)) == "GET GET POST GET"


def test_a_job_goes_its_way(client: Client) -> None:
    client.exports.seconds = 60
    job = client.start(FORECAST)
    shown = client.job(job)
    assert (shown["status"], shown["endTime"], shown["expiredTime"]) == ("SCHEDULED", None, None)
    client.get(f"{JOBS}/{job.id}/results", 400)
    job.began -= 25_000
    client.exports.running_statuses, client.exports.wrapped = ("QUEUED", "RUNNING"), False
    assert client.get(f"{JOBS}/{job.id}")["status"] == "RUNNING"
    job.began -= 40_000
    client.exports.success = "COMPLETED"
    shown = client.get(f"{JOBS}/{job.id}")
    assert shown["status"] == "COMPLETED"
    assert shown["endTime"] == shown["startTime"] + 60_000 == job.ended
    assert client.get(JOBS) == [shown]
    client.exports.list_wrapped = True
    assert client.get(JOBS) == {"jobs": [shown]}
    client.result(job)
    assert client.get(f"{JOBS}/{job.id}")["downloads"] == 1


def test_endings_and_lost_jobs(client: Client) -> None:
    client.exports.endings.extend(["FAILED", "CANCELLED", "ABORTED", "NEVER"])
    jobs = [client.start(ACTIVITY) for _ in range(5)]
    statuses = [client.job(job)["status"] for job in jobs]
    assert statuses == ["FAILED", "CANCELLED", "ABORTED", "STARTED", "DONE"]
    assert client.limits()["submittedJobIds"] == [jobs[0].id, jobs[3].id, jobs[4].id]
    client.exports.forget(jobs[0].id)
    assert [job["jobId"] for job in client.get(JOBS)] == [job.id for job in jobs[:0:-1]]
    for path in (f"{JOBS}/{jobs[0].id}", f"{JOBS}/{jobs[0].id}/results"):
        assert client.get(path, 400)["code"] == "invalid_jobId"
    assert client.limits()["availableMonthlyQuota"] == 27


def test_quotas(client: Client) -> None:
    client.exports.seconds = 30
    assert "runningJobIds" not in client.limits()
    client.exports.occupy(2)
    job = client.start(FORECAST)
    limits = client.limits()
    assert limits["availableConcurrentLimit"] == 0
    assert [len(limits["runningJobIds"]), len(limits["submittedJobIds"])] == [2, 3]
    assert client.refused(ACTIVITY) == (400, "export_monthly_quota_reached")
    job.finish("CANCELLED")
    limits = client.limits()
    assert (limits["availableConcurrentLimit"], limits["availableMonthlyQuota"]) == (1, 28)
    client.exports.release()
    client.exports.spend(28)
    limits = client.limits()
    assert (limits["availableConcurrentLimit"], limits["availableMonthlyQuota"]) == (3, 0)
    message = client.ask(FORECAST, "POST").json()["message"]
    assert message == "The monthly quota limit of 30 or concurrent limit of 3 has been reached."
    client.get(f"{JOBS}/{limits['submittedJobIds'][0]}", 403)


def test_a_forecast_adds_up(client: Client) -> None:
    types = ["forecast", "forecast_updated", "quota", "adjustment", "crm_total", "crm_closed"]
    body = {"timePeriod": client.account.periods[0], "typesToExport": types}
    job = client.start(FORECAST, **body, includeHistorical=True)
    assert job.request == {**body, "includeHistorical": True, "forecastId": "net_arr"}
    result = client.result(job)
    assert result == job.document()
    users, entries = result["users"], result["entries"]
    frames = sorted(frame["timeFrameId"] for frame in result["timeFrames"])
    assert (len(users), len(frames), len(entries)) == (13, 13, 13 * 13 * 4)
    weeks = [entry["timeFrameId"] for entry in entries]
    assert weeks != sorted(weeks)
    assert len({user["crmId"] for user in users}) == 11
    assert {type(user["scopeId"]) for user in users} == {str, dict}
    found = {(one["timeFrameId"], one["userId"], one["fieldId"]): one for one in entries}
    east = next(user for user in users if user["hierarchyName"] == "East")
    team = [u["userId"] for u in users if u["parentHierarchyId"] == east["hierarchyId"]]
    commits = [found[frame, east["userId"], "commit"]["forecastValue"] for frame in frames]
    for frame, commit in zip(frames, commits, strict=True):
        assert commit == sum(found[frame, rep, "commit"]["forecastValue"] for rep in team)
    assert all(earlier < later for earlier, later in pairwise(commits))
    assert found["W01", east["userId"], "quota"]["quotaValue"] * 1.1 > commits[-1]
    assert {type(entry.get("updatedOn")) for entry in entries} == {int, str, type(None)}
    assert {"crmTotal", "crmClosed", "currency"} <= found["W01", east["userId"], "closed"].keys()


def test_the_crm_had_in_each_week_what_the_opportunities_say(client: Client) -> None:
    opportunities = [
        {field["id"].removeprefix("opportunity."): field for field in one["fields"]}
        for one in client.account.opportunities.values()
    ]
    closed = 0.0
    for period in client.account.periods:
        body = {"timePeriod": period, "typesToExport": ["crm_closed"], "includeHistorical": True}
        result = client.start(FORECAST, **body).document()
        [quarter] = result["timePeriods"]
        for frame in result["timeFrames"]:
            end = datetime.fromisoformat(f"{frame['endDate']}T00:00:00+00:00") + timedelta(days=1)
            entries = [
                one for one in result["entries"] if one["timeFrameId"] == frame["timeFrameId"]
            ]
            [chief] = [one for one in entries if one["userId"] == "1905" and "crmClosed" in one]
            won = [
                fields["amount"]["value"]
                for fields in opportunities
                if fields["stage"]["value"] == "Closed Won"
                and fields["stage"]["trendHistory"][-1]["date"] < end.timestamp() * 1000
                and quarter["startDate"] <= fields["closeDate"]["value"] <= quarter["endDate"]
            ]
            assert chief["crmClosed"] == sum(won)
            closed += sum(won)
    assert closed


def test_a_deal_is_the_same_at_any_time_and_in_any_size() -> None:
    early, late = (Crm(7, calls, micros(f"{now}T00:00:00Z")) for calls, now in SIZES_AND_TIMES)
    assert early.accounts < late.accounts
    for deal in early.deals():
        later = late.deal(deal.index)
        assert (later.name, later.created, later.id) == (deal.name, deal.created, deal.id)
        for now, then in (
            (deal.stage, later.stage),
            (deal.amount, later.amount),
            (deal.close_date, later.close_date),
            (deal.owner, later.owner),
        ):
            assert now.last == then.at(early.now)
            assert now.steps == then.steps[: len(now.steps)]
    quarter = 91 * 86_400_000_000
    assert any(deal.created > late.now - quarter for deal in late.deals())


def test_the_quarter_asked_for_or_the_current_one(client: Client) -> None:
    account = client.account
    for asked, got in (("2019_Q1", -1), ("nonsense", -1), (account.periods[1], 1)):
        result = client.result(client.start(FORECAST, timePeriod=asked, currency="EUR"))
        assert [one["timePeriodId"] for one in result["timePeriods"]] == [account.periods[got]]
        assert len(result["timeFrames"]) == 1
        assert result["entries"][0]["currency"] == {"code": "EUR", "symbol": "€"}
        assert {entry["fieldId"] for entry in result["entries"]} == {"commit", "best_case"}
    assert len(client.result(client.start(FORECAST, scopeId="1906::MGR"))["users"]) == 4


def test_columns_of_tenants_and_restatements(client: Client) -> None:
    account = client.account
    past = {"timePeriod": account.periods[0]}
    job = client.start(FORECAST, **past)
    before = job.document()
    account.restate()
    account.tenant_columns = {"tier__c": "gold", "nested": {"a": 1}}
    after = client.start(FORECAST, **past).document()
    assert client.result(job) == before
    now = after["entries"][0]
    assert now["forecastValue"] > before["entries"][0]["forecastValue"]
    assert now["nested"] == after["users"][0]["nested"] == {"a": 1}
    account.entries_by_type = True
    split = client.start(FORECAST, **past).document()
    assert len(split["entries"]) == 2 * len(before["entries"])


def test_forecasts_that_are_refused(client: Client) -> None:
    account = client.account
    tabs = client.get("/v4/export/forecast/list")["forecasts"]
    assert [tab["forecastId"] for tab in tabs] == ["net_arr", "renewals"]
    for body in (
        {"timeperiod": "2026_Q1"},
        {"currency": "XXX"},
        {"typesToExport": ["sums"]},
        {"exportFormat": "CSV"},
    ):
        assert client.refused(FORECAST, **body) == (400, "bad_request")
    assert client.refused(f"{FORECAST}s") == (400, "no_such_forecast_config")
    account.crm_types_supported = False
    assert client.refused(FORECAST, typesToExport=["crm_total"]) == (400, "type_not_supported")
    account.no_opt_in.add("net_arr")
    assert client.refused(FORECAST) == (401, "no_optin")
    account.forecast_list_exists = False
    client.get("/v4/export/forecast/list", 404)
    assert client.exports.started == []


def test_activities_by_whole_days(client: Client) -> None:
    account = client.account
    account.activities.clear()
    noon = NOW.replace(hour=12, minute=0, second=0) - timedelta(days=10)
    added = [account.add_activity(noon + timedelta(days=day)) for day in range(4)]
    first, last = (f"{noon + timedelta(days=day):%Y-%m-%d}" for day in (1, 2))
    body = {"startDate": f"{first}T23:59:59Z", "endDate": f"{last}T00:00:00Z"}
    job = client.start(ACTIVITY, **body)
    account.add_activity(noon + timedelta(days=1))
    rows = client.result(job)["activities"]
    assert {row["activityId"] for row in rows} == {one["activityId"] for one in added[1:3]}
    assert sorted(type(row["date"]).__name__ for row in rows) == ["int", "str"]
    account.end_date_inclusive = client.exports.dates_as_text = False
    rows = client.start(ACTIVITY, **body).document()["activities"]
    assert (added[1] in rows, len(rows)) == (True, 2)
    east = {"startDate": f"{noon:%Y-%m-%d}T00:00:00+12:30", "activityTypes": ["MEETING"]}
    account.add_activity(noon - timedelta(hours=25), activityType="MEETING", subject="before")
    account.add_activity(noon - timedelta(hours=24), activityType="MEETING", subject="at")
    subjects = [row["subject"] for row in client.start(ACTIVITY, **east).document()["activities"]]
    assert ("at" in subjects, "before" in subjects) == (True, False)
    for bad in ("2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z"):
        assert client.refused(ACTIVITY, startDate=bad) == (400, "Bad request")
    assert client.refused(ACTIVITY, activityTypes=["CALL"]) == (400, "Bad request")


def test_activities_lie_in_the_future_too(client: Client) -> None:
    activities = client.account.activities
    assert len({one["activityId"] for one in activities}) == len(activities) == 60
    dates = [one["date"] for one in activities]
    now = NOW.timestamp() * 1000
    assert now - 400 * 86_400_000 < dates[0] < now < dates[-1] < now + 30 * 86_400_000
    assert any(not one["accounts"] for one in activities)
    found = [int(row["date"]) for row in client.result(client.start(ACTIVITY))["activities"]]
    assert dates == sorted(dates) == sorted(found) != found


def test_shapes_of_files(client: Client) -> None:
    exports = client.exports
    exports.max_rows = 7
    for shape in ("list", "data", "rows", "records", "results", "unknown"):
        exports.shape = shape
        job = client.start(ACTIVITY)
        result, whole = client.result(job), job.document()["activities"]
        assert client.job(job)["rowsTruncated"] is True
        if shape == "unknown":
            assert result.keys() == {"summary", "payload"}
        else:
            assert (result if shape == "list" else result[shape]) == whole[:7]
    exports.max_rows = 60
    assert client.job(client.start(ACTIVITY))["rowsTruncated"] is False


def test_audit_pages(client: Client) -> None:
    account = client.account
    account.audit_events.clear()
    added = [account.add_audit_event(NOW - timedelta(hours=hour)) for hour in (5, 4, 4, 3, 2, 800)]
    page = client.get(EVENTS, limit=2)
    account.add_audit_event(NOW)
    found = page["items"]
    while "nextLink" in page:
        assert page["nextLink"].startswith(f"{client.revenue.url}{EVENTS}?cursor=")
        assert client.session.get(f"{page['nextLink']}&limit=2", timeout=9).status_code == 400
        page = client.session.get(page["nextLink"], timeout=9).json()
        assert {one["actorId"] for one in page["actors"]} <= {
            event[name] for event in page["items"] for name in ("actorId", "impersonatingActorId")
        }
        found += page["items"]
    stamps = [one["eventTimestamp"] for one in added]
    assert [one["eventTimestamp"] for one in found] == stamps[4::-1]
    bounds = {"dateFrom": stamps[0], "dateTo": stamps[3]}
    assert len(client.get(EVENTS, **bounds)["items"]) == 4
    assert len(client.get(EVENTS, dateTo=stamps[5], dateFrom=stamps[5])["items"]) == 1
    account.audit_bounds, account.audit_key = "strict", "activities"
    assert len(client.get(EVENTS, **bounds)["activities"]) == 2
    account.next_link_base = "http://127.0.0.1:9"
    assert client.get(EVENTS, limit=1)["nextLink"].startswith("http://127.0.0.1:9/v4/audit")
    assert client.get(EVENTS, dateFrom="2020-01-01T00:00:00Z")["activities"][-1] == added[5]
    for bad in (
        {"limit": 1001},
        {"dateFrom": "yesterday"},
        {"dateTo": "2026-01-01T00:00:00"},
        {"actorId": 1905},
    ):
        assert client.get(EVENTS, 400, **bad)["errors"][0]["status"] == "400"


def test_opportunities_and_ingest_jobs(client: Client) -> None:
    account = client.account
    first, second = list(account.opportunities)[:2]
    found = client.get("/v4/opportunity", oppId=[second, "unknown", first])
    assert found == [account.opportunities[second], account.opportunities[first]]
    named = {o["opportunityId"] for one in account.activities for o in one["opportunities"]}
    assert named <= account.opportunities.keys()
    values = [f["value"] for one in account.opportunities.values() for f in one["fields"]]
    assert {type(value) for value in values} == {str, float, bool, list, dict, type(None)}
    assert client.get("/v4/opportunity", 400)[0]["details"] == "oppId is required"
    client.get("/v4/opportunity", 400, oppId=[str(number) for number in range(101)])
    path = f"/v2/ingest/job/{next(iter(account.ingest_jobs))}"
    assert client.get(path, 401)[0]["errorCode"] == "INVALID_PARTNER_KEY"
    client.session.headers["partnerkey"] = client.revenue.partner_key
    for job, status in zip(account.ingest_jobs.values(), (200, 202, 400, 500), strict=True):
        assert client.get(f"/v2/ingest/job/{job['jobId']}", status) == {"message": job}
    assert client.get("/v2/ingest/job/none", 404).keys() == {"error"}


def test_the_file_host(client: Client) -> None:
    with FileHost(client.revenue) as host:
        client.exports.download_base = host.url
        job = client.start(FORECAST)
        link = client.job(job)["downloadUrl"]
        assert requests.get(link, timeout=9).json() == job.document()
        assert client.session.get(link, timeout=9).status_code == 400
        for path, status in ((link + "0", 403), (link.partition("?")[0], 403), (host.url, 404)):
            assert requests.get(path, timeout=9).status_code == status
        client.exports.forget(job.id)
        assert requests.get(link, timeout=9).status_code == 404
        assert (host.traffic.count(), host.traffic.count_with_credentials()) == (6, 1)


def test_troubles(client: Client) -> None:
    faults = client.revenue.faults
    faults.add(path=ACTIVITY, method="POST", lost=True)
    faults.add(method="DELETE", status=503, times=None)
    with pytest.raises(requests.ConnectionError):
        client.start(ACTIVITY)
    [job] = client.exports.started
    assert client.revenue.traffic.count(ACTIVITY, status=0) == 1
    client.account.large_activities(2000)
    for wanted in (job, client.start(ACTIVITY)):  # a file of one chunk, and one of many
        path = f"{JOBS}/{wanted.id}/results"
        faults.add(path=path, truncate=True)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.ask(path)
        faults.add(path=path, half_json=True)
        answer = client.ask(path)
        assert (answer.status_code, "Content-Length" in answer.headers) == (200, True)
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
        assert client.result(wanted) == wanted.document()


def test_large_files_need_no_memory(client: Client) -> None:
    account = client.account
    account.large_activities(180_000)
    job = client.start(ACTIVITY)
    began = time.monotonic()
    size, growth = client.measure(f"{JOBS}/{job.id}/results")
    assert size > 200_000_000
    assert growth < 40_000_000
    assert time.monotonic() - began < 15
    account.large_activities(50, text_bytes=20)
    rows = client.start(ACTIVITY).document()["activities"]
    assert {row["subject"].split()[0] for row in rows} == {str(number) for number in range(50)}
    assert len({row["activityId"] for row in rows}) == len(rows) == 50
