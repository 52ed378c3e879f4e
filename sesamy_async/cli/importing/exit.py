"""What the exit code says of an import."""

from __future__ import annotations

from sesamy_async.bulk.summary import Ending, ImportSummary
from sesamy_async.cli.exit_codes import ExitCode


def exit_code_of_import(summary: ImportSummary) -> ExitCode:
    """Return the exit code of an import that has run.

    What is not finished comes first, for the same command goes on; then
    what a person has to look at, then what has to be mended.
    """
    if summary.ending is Ending.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if summary.unprocessed:
        return ExitCode.FAILED
    if summary.unknown:
        return ExitCode.LOOK
    return ExitCode.REJECTED if summary.rejected else ExitCode.DONE
