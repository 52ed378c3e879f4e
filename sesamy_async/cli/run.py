"""One run of the command line, from the arguments to the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnusedCliTokensError

from sesamy_async.errors import SesamyError

from .answer import Answer
from .app import build
from .exit_codes import ExitCode, exit_code_of
from .interruption import InterruptionError
from .options import Output
from .showing import show_answer, show_error
from .talk import talking
from .termination import interruptible
from .usage import UsageError


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command, show how it ended, and return the exit code.

    Args:
        argv: The arguments after the name of the program; those of this
            process if not given.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    # Until they are parsed, this has to do.
    output = Output(as_json="--json" in arguments)
    try:
        command, bound = _parse(build(), arguments)
        output = _output(bound.arguments.values(), output)
        with talking(output.verbose), interruptible():
            answer = command(*bound.args, **bound.kwargs)
    except SesamyError as error:
        show_error(error, as_json=output.as_json)
        return exit_code_of(error)
    except KeyboardInterrupt:
        show_error(InterruptionError("Interrupted."), as_json=output.as_json)
        return ExitCode.INTERRUPTED
    if isinstance(answer, Answer):
        return show_answer(answer, as_json=output.as_json)
    return ExitCode.DONE


def _parse(app: App, arguments: list[str]) -> tuple[Callable[..., Any], Any]:
    try:
        command, bound, _ = app.parse_args(
            arguments, exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        said = _said(error)
        words = ["sesamy", *(error.command_chain or ())]
    else:
        return command, bound
    raise UsageError(f"{said} See `{' '.join(words)} --help`.")


def _said(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError):
        # Not shown: it may be a secret, given to an option of that name.
        return "There is an argument too many; is an option misspelt?"
    # Some messages have several lines.
    return " ".join(str(error).split())


def _output(values: Any, default: Output) -> Output:
    return next((each for each in values if isinstance(each, Output)), default)
