"""The command ``sesamy``: its commands, and how one is run."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnusedCliTokensError

from sesamy_async._version import __version__
from sesamy_async.errors import SesamyError

from .contract import contract_app, onboard_app
from .import_command import import_app
from .options import Output
from .output import (
    CommandResult,
    ExitCode,
    InterruptionError,
    UsageError,
    exit_code_of,
    logging_to_stderr,
    show_answer,
    show_error,
)
from .sandbox import sandbox_app
from .token import token_app


app = App(
    name="sesamy",
    help="""\
Tell Sesamy what was sold elsewhere, once, for certain.

Every command ends in a known outcome: its message and its exit code say
what became of the order.
""",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy onboard order.json --promo SPRING-12 --sandbox
  sesamy token
  sesamy import --help

Settings come from SESAMY_VENDOR_ID, SESAMY_CLIENT_ID, SESAMY_CLIENT_SECRET,
SESAMY_SCOPE, SESAMY_AUDIENCE, SESAMY_ORGANIZATION, SESAMY_TOKEN_ENCODING,
SESAMY_BASE_URL and SESAMY_TOKEN_URL.
""",
    help_format="plaintext",
    version=__version__,
    suppress_keyboard_interrupt=False,
)

journal_app = App(
    name="journal",
    help="Look into the journal of an import, and settle its unknowns.",
    help_epilogue="""\
Examples:

  sesamy journal show orders.csv
  sesamy journal resolve --help
""",
)

app.command(import_app)
app.command(onboard_app)
app.command(contract_app)
app.command(journal_app)
app.command(token_app)
app.command(sandbox_app)


@app.command(
    help_epilogue="""\
Examples:

  sesamy completion bash > ~/.local/share/bash-completion/completions/sesamy
  sesamy completion zsh > ~/.zfunc/_sesamy
  sesamy completion fish > ~/.config/fish/completions/sesamy.fish
"""
)
def completion(shell: Literal["bash", "zsh", "fish"], /) -> CommandResult:
    """Print the script that lets your shell complete this command.

    Args:
        shell: Your shell.
    """
    _load_journal_commands()
    return CommandResult(app.generate_completion(shell=shell), {})


def _load_journal_commands() -> None:
    """Let `journal_app` have its commands, which import a lot."""
    importlib.import_module(f"{__package__}.journals")


@contextmanager
def interruptible() -> Generator[None]:
    """Let SIGTERM raise KeyboardInterrupt while the block runs.

    From the main thread, in which Python runs the handlers of signals.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
        command, bound = _parse(arguments)
        output = _output(bound.arguments.values(), output)
        with logging_to_stderr(output.verbose), interruptible():
            answer = command(*bound.args, **bound.kwargs)
    except SesamyError as error:
        show_error(error, as_json=output.as_json)
        return exit_code_of(error)
    except KeyboardInterrupt:
        show_error(InterruptionError("Interrupted."), as_json=output.as_json)
        return ExitCode.INTERRUPTED
    if isinstance(answer, CommandResult):
        return show_answer(answer, as_json=output.as_json)
    return ExitCode.DONE


def _parse(arguments: list[str]) -> tuple[Callable[..., Any], Any]:
    if arguments[:1] == ["journal"]:
        _load_journal_commands()
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


def _output(values: Iterable[object], default: Output) -> Output:
    return next((each for each in values if isinstance(each, Output)), default)
