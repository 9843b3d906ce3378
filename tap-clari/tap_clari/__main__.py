"""`python -m tap_clari`: the same command as `tap-clari`."""

from tap_clari.tap import TapClari

TapClari.cli()
