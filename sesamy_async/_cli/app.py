"""The command ``sesamy``: its commands, and how one is run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import UnusedCliTokensError
from cyclopts.validators import Number

from sesamy_async._version import __version__
from sesamy_async.errors import SesamyError

from .contract import contract_app, onboard_app
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
SESAMY_BASE_URL, SESAMY_TOKEN_URL and SESAMY_IDEMPOTENCY.
""",
    help_format="plaintext",
    version=__version__,
    suppress_keyboard_interrupt=False,
)

# By name: these import much that no other command needs, and what lists all
# commands does not load them for their help.
app.command(
    f"{__package__}.import_job:import_app",
    name="import",
    help="""\
Send all orders of a file: none lost, none doubled.

The whole file is checked before anything is sent. Each step is written
to a journal first, so that the same command continues after a crash or
Ctrl-C, and reports say what became of every row.
""",
)
app.command(
    f"{__package__}.journals:journal_app",
    name="journal",
    help="Look into the journal of an import, and settle its unknowns.",
)
app.command(
    f"{__package__}.orders:orders_app",
    name="orders",
    help="Look into the store of orders: which were sent, and settle doubts.",
)
app.command(onboard_app)
app.command(contract_app)
app.command(token_app)


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
    return CommandResult(app.generate_completion(shell=shell), {})


@app.command(
    help_epilogue="""\
Examples:

  sesamy sandbox
  sesamy sandbox --port 9000 --config shop.toml

Paste the lines that it prints into another terminal; there
"sesamy onboard order.json --promo SPRING-12" then goes to the sandbox.
Exit codes: 0 ended by Ctrl-C; 2 an option or the configuration is wrong.
"""
)
def sandbox(
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8787,
    host: str = "127.0.0.1",
    config: Path | None = None,
) -> None:
    """Serve a local Sesamy until Ctrl-C.

    It prints the variables to export once it is ready. Nothing that it is
    told leaves this machine.

    Args:
        port: Where it listens; 0 for any free port.
        host: A loopback address.
        config: Vendors, promo codes, clients, faults and how its token
            endpoint behaves, as TOML.
    """
    from sesamy_async.sandbox import (  # noqa: PLC0415 - here only
        Sandbox,
        SandboxConfig,
        serve,
    )

    known = None if config is None else SandboxConfig.from_toml(config)
    serve(Sandbox(known), host, port)


@contextmanager
def interruptible() -> Generator[None]:
    """Let SIGTERM raise KeyboardInterrupt; for the main thread only."""
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
    # For an error in the arguments themselves.
    output = Output(as_json="--json" in arguments)
    try:
        command, bound = _parse(arguments)
        for each in bound.arguments.values():
            output = each if isinstance(each, Output) else output
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
        # Not shown: it may be the value of a misspelt option, and secret.
        return "There is an argument too many; is an option misspelt?"
    return " ".join(str(error).split())  # Some have several lines.
