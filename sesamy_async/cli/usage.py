"""The error of a command line that can't be understood."""

from __future__ import annotations

from sesamy_async.errors import ConfigurationError


class UsageError(ConfigurationError):
    """A command, an option or an argument is missing or wrong."""
