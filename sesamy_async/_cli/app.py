"""The command ``sesamy``: its commands, and how one is run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from errno import ENAMETOOLONG
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import UnusedCliTokensError
from cyclopts.help import DefaultFormatter
from cyclopts.validators import Number

from sesamy_async._outcome import Outcome
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
    show_error,
    show_result,
)
from .token import token_app


if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from rich.console import Console, ConsoleOptions


class _HelpFormatter(DefaultFormatter):
    """Shows help without the line breaks that docstrings have."""

    def __call__(
        self, console: Console, options: ConsoleOptions, panel: HelpPanel
    ) -> None:
        for each in panel.entries:
            text = each.description.primary_renderable
            text.plain = text.plain.replace("\n", " ")
        super().__call__(console, options, panel)


app = App(
    name="sesamy",
    help="""\
Report orders to Sesamy, each exactly once.

The message and the exit code of a command say what happened to the order.
""",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy onboard order.json --promo SPRING-12 --sandbox
  sesamy token
  sesamy doctor
  sesamy import --help

Settings are read from the environment: SESAMY_VENDOR_ID, SESAMY_CLIENT_ID,
SESAMY_CLIENT_SECRET, SESAMY_SCOPE, SESAMY_AUDIENCE, SESAMY_ORGANIZATION,
SESAMY_TOKEN_ENCODING, SESAMY_BASE_URL, SESAMY_TOKEN_URL, SESAMY_IDEMPOTENCY
and SESAMY_LOG.
""",
    help_format="plaintext",
    help_formatter=_HelpFormatter(),
    version=__version__,
    suppress_keyboard_interrupt=False,
)

# By name, with their help: they import much that other commands don't need.
app.command(
    f"{__package__}.import_job:import_app",
    name="import",
    help="""\
Send all orders in a file: none is lost, and none is sent twice.

The whole file is checked before anything is sent. Each step is written
to a journal first: after a crash or Ctrl-C, the same command continues.
Reports say what happened to each row.
""",
)
app.command(
    f"{__package__}.mapping:mapping_app",
    name="mapping",
    help="Propose what the columns of a file of orders are.",
)
app.command(
    f"{__package__}.journals:journal_app",
    name="journal",
    help="Show the journal of an import, and settle unknown orders.",
)
app.command(
    f"{__package__}.orders:orders_app",
    name="orders",
    help="Show which orders were sent, and settle orders in doubt.",
)
app.command(onboard_app)
app.command(contract_app)
app.command(token_app)
app.command(
    f"{__package__}.doctor:doctor_app",
    name="doctor",
    help="Check settings, network, token and store of orders.",
)


@app.command(
    help_epilogue="""\
Examples:

  sesamy completion bash > ~/.local/share/bash-completion/completions/sesamy
  sesamy completion zsh > ~/.zfunc/_sesamy
  sesamy completion fish > ~/.config/fish/completions/sesamy.fish
"""
)
def completion(shell: Literal["bash", "zsh", "fish"], /) -> CommandResult:
    """Print a completion script for your shell.

    Args:
        shell: Your shell.
    """
    script = app.generate_completion(shell=shell)
    return CommandResult(script, {}, is_program=True)


@app.command(
    help_epilogue="""\
Examples:

  sesamy sandbox
  sesamy sandbox --port 9000 --config shop.toml
  sesamy sandbox --webhook http://127.0.0.1:8000/webhooks/sesamy

Open its address in a browser to see what happens, and to inject faults.
Paste the lines that it prints into another terminal: the commands there,
such as "sesamy onboard order.json --promo SPRING-12", use the sandbox.
SESAMY_WEBHOOK_AUTHORIZATION is the Authorization header of its events.
Exit codes: 0 ended by Ctrl-C; 2 an option or the configuration is wrong.
"""
)
def sandbox(
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8787,
    host: str = "127.0.0.1",
    config: Path | None = None,
    webhook: str | None = None,
) -> None:
    """Serve a local substitute for Sesamy until Ctrl-C.

    It prints the variables to export when it is ready. Nothing that it
    receives leaves this machine, except events to your webhook.

    Args:
        port: The port that it listens on; 0 for any free port.
        host: A loopback address.
        config: A TOML file with vendors, promo codes, clients, faults, the
            webhook and the behavior of the token endpoint.
        webhook: The URL that it posts events to, as Sesamy does: https, or
            http on a loopback address.
    """
    from sesamy_async.sandbox import (  # noqa: PLC0415 - only needed here
        Sandbox,
        SandboxConfig,
        Webhook,
        serve,
    )

    known = (
        SandboxConfig() if config is None else SandboxConfig.from_toml(config)
    )
    hook = known.webhook or (Webhook(url=webhook) if webhook else None)
    if hook is not None:
        secret = os.environ.get("SESAMY_WEBHOOK_AUTHORIZATION")
        hook = attrs.evolve(
            hook,
            url=webhook or hook.url,
            authorization=secret or hook.authorization,
        )
        known = attrs.evolve(known, webhook=hook)
    serve(Sandbox(known), host, port)


@contextmanager
def interruptible() -> Generator[None]:
    """Let SIGTERM raise KeyboardInterrupt; for the main thread only."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


_FOR_OPERATIONS = frozenset({"import", "journal", "mapping", "orders"})
"""Commands that don't name outcomes, which are terms of the Python API."""


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command, show its result, and return the exit code.

    Args:
        argv: The arguments of the command; by default those of this process.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    # For an error in the arguments.
    output = Output(as_json="--json" in arguments)
    outcome = not _FOR_OPERATIONS & {*arguments[:1]}
    try:
        command, bound = _parse(arguments)
        for each in bound.arguments.values():
            output = each if isinstance(each, Output) else output
        with logging_to_stderr(output.verbose), interruptible():
            result = command(*bound.args, **bound.kwargs)
    except SesamyError as error:
        ended = error
    except OSError as error:
        ended = _system_error(error)
    except KeyboardInterrupt:
        ended = InterruptionError("Interrupted.")
    else:
        if isinstance(result, CommandResult):
            return show_result(result, as_json=output.as_json)
        return ExitCode.DONE
    show_error(ended, as_json=output.as_json, outcome=outcome)
    return exit_code_of(ended)


def _system_error(error: OSError) -> SesamyError:
    """Return the error for one of the system that no command has caught."""
    place = "" if error.filename is None else f" {error.filename}"
    if error.errno == ENAMETOOLONG:  # Noticed before anything is sent.
        return UsageError(f"The name{place} is too long: shorten it.")
    reason = error.strerror or type(error).__name__
    return SesamyError(
        f"The system can't use{place or ' a file'}: {reason}. Correct that, "
        "and run the same command again: an import continues from its "
        "journal, and sends nothing twice.",
        outcome=Outcome.UNKNOWN,
    )


def _parse(arguments: list[str]) -> tuple[Callable[..., Any], Any]:
    try:
        command, bound, _ = app.parse_args(
            arguments, exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        said = " ".join(str(error).split())  # Some have several lines.
        if isinstance(error, UnusedCliTokensError):
            # Not shown: it may be the secret value of a misspelt option.
            said = "There is one argument too many. Is an option misspelled?"
        words = " ".join(["sesamy", *(error.command_chain or ())])
        raise UsageError(f"{said} See `{words} --help`.") from error
    return command, bound
