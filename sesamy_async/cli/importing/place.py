"""Where an import sends its orders: Sesamy, or a world of its own."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import attrs

from sesamy_async.bulk.journal.terms import SANDBOX
from sesamy_async.cli.options import Api
from sesamy_async.cli.target import Target, from_environment, in_sandbox
from sesamy_async.errors import ConfigurationError
from sesamy_async.settings import BASE_URL, Source, check_url


# As far away as a server on another continent: what an import is like can't
# be seen where all is done in a blink.
_DISTANCE = {"delay:0.15@create": 1.0, "delay:0.15@confirm": 1.0}


@attrs.frozen
class Place:
    """Where orders go, and what a journal calls it.

    Attributes:
        target: What a client is told of it.
        name: The same at each restart, and for nothing else.
    """

    target: Target
    name: str


def at_sesamy(options: Api) -> Place:
    """Return what the options and the environment name.

    Raises:
        ConfigurationError: Something is missing or wrong; it is named.
    """
    return Place(from_environment(options), base_url(options))


def base_url(options: Api) -> str:
    """Return where the orders go.

    Raises:
        ConfigurationError: It is no address.
    """
    variable = "SESAMY_BASE_URL"
    given = Source(os.environ).optional(
        "--base-url", options.base_url, variable
    )
    return check_url("--base-url", given or BASE_URL, variable)


@contextmanager
def in_own_world(
    options: Api, ledger: Path, journal: Path
) -> Generator[Place]:
    """Serve a sandbox that knows what it was told in earlier runs.

    Args:
        options: Those of the command.
        ledger: The file in which it keeps that.
        journal: Of the import, which may have begun.

    Raises:
        ConfigurationError: The ledger can't be used, or is gone.
    """
    if journal.exists() and not ledger.exists():
        raise ConfigurationError(
            f"{journal} is of an import that has begun, and {ledger}, which "
            "knows the contracts of its sandbox, is not there. Go on without "
            f"--sandbox if it began so; or remove {journal.name} to try it "
            "anew."
        )
    # Nobody else needs it.
    from sesamy_async.sandbox import (  # noqa: PLC0415
        KeptLedger,
        Sandbox,
        SandboxConfig,
    )

    kept = KeptLedger(ledger)
    sandbox = Sandbox(SandboxConfig(fault_rates=_DISTANCE), ledger=kept)
    with in_sandbox(options, sandbox) as target:
        yield Place(target, f"{SANDBOX}{kept.world}")
