"""The commands, put together."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from sesamy_async._version import __version__

from . import contract, onboard, sandbox, token
from .answer import Script
from .importing import orders
from .journals import commands as journal


_ABOUT = """\
Tell Sesamy what was sold elsewhere, once, for certain.

Every command ends in a known outcome: its message and its exit code say
what became of the order.
"""

_EXAMPLES = """\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
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
        help_epilogue=journal.SHOW_EXAMPLES,
    )
    journals.command(journal.show, help_epilogue=journal.SHOW_EXAMPLES)
    journals.command(journal.resolve, help_epilogue=journal.RESOLVE_EXAMPLES)
    journals.command(
        journal.reconcile, help_epilogue=journal.RECONCILE_EXAMPLES
    )
    journals.command(journal.recover, help_epilogue=journal.RECOVER_EXAMPLES)
    journals.command(journal.purge, help_epilogue=journal.PURGE_EXAMPLES)

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
        orders.import_orders,
        name="import",
        help_epilogue=orders.EXAMPLES,
    )
    app.command(onboard.onboard, help_epilogue=onboard.EXAMPLES)
    app.command(contracts)
    app.command(journals)
    app.command(token.token, help_epilogue=token.EXAMPLES)
    app.command(sandbox.sandbox, help_epilogue=sandbox.EXAMPLES)
    app.command(completion, help_epilogue=_COMPLETION_EXAMPLES)
    return app
