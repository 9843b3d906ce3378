"""The SDK's own tests of a tap, on top of ours.

Three of them cannot fail: that keys are unique, that the last state is valid, and that no record
has fields which the catalog lacks. `test_reference.py`, `test_export_files.py` and
`test_records.py` test those on data.
"""

from __future__ import annotations

import atexit
import contextlib

from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tap_gladly.tap import TapGladly

from tests.gladly.conftest import config
from tests.running import discovered, select
from tests.sandbox.gladly import GladlySandbox

# The SDK's class wants its settings when it is made, so the sandbox listens from then on.
_running = contextlib.ExitStack()
_sandbox = _running.enter_context(GladlySandbox())
atexit.register(_running.close)

TestTapGladly = get_tap_test_class(
    TapGladly,
    # Those too that are not selected by default.
    catalog=select(
        "tap-gladly", [each["tap_stream_id"] for each in discovered("tap-gladly")["streams"]]
    ),
    # One report and the work sessions: there are ten requests for reports in a minute.
    config=config(_sandbox, reports=["ConversationTimestampsReport"]),
    suite_config=SuiteConfig(max_records_limit=50),
    parse_env_config=False,
)
