"""`python -m tap_gladly`: the same command as `tap-gladly`."""

from tap_gladly.tap import TapGladly

TapGladly.cli()
