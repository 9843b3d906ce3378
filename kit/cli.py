"""The command: how it ends when a sync cannot go on.

The SDK's command prints a traceback for whatever it does not expect, a wrong key included. This
one prints a sentence where there is one, and a traceback only for a fault of the tap.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import typing as t

from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.plugin_base import SingerCommand

from .config import SettingsError

if t.TYPE_CHECKING:
    import click

UNHANDLED = "An unhandled error occurred while syncing '%s'"
"""What the SDK logs of every error that leaves a stream, also where a sentence follows."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What goes wrong if the standard output is a file, and its disk is full."""


class PlainSpokenCommand(SingerCommand):
    """Ends with one sentence and exit code 1 where the user can mend what is wrong."""

    @classmethod
    def from_command(cls, command: click.Command, logger: logging.Logger) -> PlainSpokenCommand:
        """Make a plain-spoken command from the SDK's."""
        return cls(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=logger,
        )

    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:  # noqa: ANN401
        """Read the options and run the command; both can run into a user's mistake."""
        for handler in logging.getLogger().handlers:
            handler.addFilter(lambda record: record.msg != UNHANDLED)
        # Its debug lines hold whole addresses: signed links, and e-mail addresses in queries.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        try:
            return super().main(*args, **kwargs)
        except SettingsError as error:
            self._end(*error.sentences)
        except (ConfigurationError, FatalAPIError) as error:
            self._end(str(error))

    def invoke(self, ctx: click.Context) -> t.Any:  # noqa: ANN401
        """Run the command's own work, with all options read."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                sentence = "The target stopped reading: what it logged last says why."
            elif error.errno in NO_ROOM:
                sentence = (
                    f"What was read cannot be written to where it is to go ({error.strerror}): "
                    "make room there, or pipe it into a target."
                )
            else:
                raise
            # Nothing can be written any more: not even what Python would flush at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._end(sentence)

    def _end(self, *sentences: str) -> t.NoReturn:
        for sentence in sentences:
            self.logger.critical("%s", sentence)
        sys.exit(1)
