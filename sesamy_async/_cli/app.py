"""The commands, put together and run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnusedCliTokensError

from sesamy_async._version import __version__
from sesamy_async.errors import SesamyError

from . import contract, import_command, journal_commands, sandbox, token
from .options import Output
from .output import (
    CommandResult,
    ExitCode,
    InterruptionError,
    Script,
    UsageError,
    exit_code_of,
    logging_to_stderr,
    show_answer,
    show_error,
)


_ABOUT = """\
Tell Sesamy what was sold elsewhere, once, for certain.

Every command ends in a known outcome: its message and its exit code say
what became of the order.
"""

_EXAMPLES = """\
Examples:

  sesamy import import_command.csv --promo SPRING-12 --sandbox
  sesamy onboard order.json --promo SPRING-12 --sandbox
  sesamy token
  sesamy import --help

Settings come from SESAMY_VENDOR_ID, SESAMY_CLIENT_ID, SESAMY_CLIENT_SECRET,
SESAMY_SCOPE, SESAMY_AUDIENCE, SESAMY_ORGANIZATION, SESAMY_TOKEN_ENCODING,
SESAMY_BASE_URL and SESAMY_TOKEN_URL.
"""

_COMPLETION_EXAMPLES = """\
Examples:

  sesamy completion bash > ~/.local/share/bash-completion/completions/sesamy
  sesamy completion zsh > ~/.zfunc/_sesamy
  sesamy completion fish > ~/.config/fish/completions/sesamy.fish
"""


def build() -> App:
    """Return the whole command line."""
    app = App(
        name="sesamy",
        help=_ABOUT,
        help_epilogue=_EXAMPLES,
        help_format="plaintext",
        version=__version__,
        suppress_keyboard_interrupt=False,
    )
    contracts = App(
        name="contract",
        help="Create and confirm contracts, one step at a time.",
        help_epilogue=contract.CREATE_EXAMPLES,
    )
    contracts.command(contract.create, help_epilogue=contract.CREATE_EXAMPLES)
    contracts.command(
        contract.confirm, help_epilogue=contract.CONFIRM_EXAMPLES
    )

    journals = App(
        name="journal",
        help="Look into the journal of an import, and settle its unknowns.",
        help_epilogue=journal_commands.SHOW_EXAMPLES,
    )
    journals.command(
        journal_commands.show, help_epilogue=journal_commands.SHOW_EXAMPLES
    )
    journals.command(
        journal_commands.resolve,
        help_epilogue=journal_commands.RESOLVE_EXAMPLES,
    )
    journals.command(
        journal_commands.reconcile,
        help_epilogue=journal_commands.RECONCILE_EXAMPLES,
    )
    journals.command(
        journal_commands.recover,
        help_epilogue=journal_commands.RECOVER_EXAMPLES,
    )
    journals.command(
        journal_commands.purge, help_epilogue=journal_commands.PURGE_EXAMPLES
    )

    def completion(shell: Literal["bash", "zsh", "fish"], /) -> Script:
        """Print the script that lets your shell complete this command.

        Args:
            shell: Yours.
        """
        return Script(
            "The script was made.",
            details=(app.generate_completion(shell=shell),),
        )

    app.command(
        import_command.import_orders,
        name="import",
        help_epilogue=import_command.EXAMPLES,
    )
    app.command(contract.onboard, help_epilogue=contract.EXAMPLES)
    app.command(contracts)
    app.command(journals)
    app.command(token.token, help_epilogue=token.EXAMPLES)
    app.command(sandbox.sandbox, help_epilogue=sandbox.EXAMPLES)
    app.command(completion, help_epilogue=_COMPLETION_EXAMPLES)
    return app


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
        command, bound = _parse(build(), arguments)
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
