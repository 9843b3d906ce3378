"""The SDK's own tests of a tap, on top of ours.

Three of them cannot fail: that keys are unique, that the last state is valid, and that no record
has fields which the catalog lacks. `test_discovery.py`, `test_calls.py` and `test_records.py` test
those on data.
"""

from __future__ import annotations

import atexit
import contextlib

from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_clari.tap import TapClari

from tests.clari.conftest import config, revenue_config
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

# The SDK's class wants its settings when it is made, so the sandboxes listen from then on.
_running = contextlib.ExitStack()
_copilot = _running.enter_context(CopilotSandbox(calls=40, requests_per_second=None))
_revenue = _running.enter_context(RevenueSandbox())
atexit.register(_running.close)

TestTapClari = get_tap_test_class(
    TapClari,
    config={
        **config(_copilot),
        **revenue_config(_revenue),
        "partner_key": _revenue.partner_key,
        "ingest_job_ids": list(_revenue.account.ingest_jobs),
        "opportunity_ids": list(_revenue.account.opportunities),
    },
    suite_config=SuiteConfig(
        max_records_limit=50,
        # A test of a connection spends no export job; `test_forecasts.py` and its neighbours do.
        ignore_no_records_for_streams=[
            "forecast_entries",
            "forecast_users",
            "forecast_fields",
            "forecast_time_periods",
            "forecast_time_frames",
            "activities",
            "export_jobs",
            "export_job_results",
        ],
    ),
    parse_env_config=False,
)
