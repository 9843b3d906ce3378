"""The SDK's own tests of a tap, on top of ours.

Three of them cannot fail: that keys are unique, that the last state is valid, and that no record
has fields which the catalog lacks. `test_discovery.py`, `test_calls.py` and `test_records.py` test
those on data.
"""

from __future__ import annotations

import atexit

from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_clari.tap import TapClari

from tests.sandbox.copilot import CopilotSandbox

# The SDK's class wants its settings when it is made, so the sandbox listens from then on.
_sandbox = CopilotSandbox(calls=40, requests_per_second=None)
_sandbox.__enter__()
atexit.register(_sandbox.__exit__, None, None, None)

TestTapClari = get_tap_test_class(
    TapClari,
    config={
        "copilot_api_url": _sandbox.url,
        "copilot_api_key": _sandbox.api_key,
        "copilot_api_password": _sandbox.api_password,
        "requests_per_second": 500,
    },
    suite_config=SuiteConfig(max_records_limit=50),
    parse_env_config=False,
)
