"""The client that a command uses, and where it leads."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import attrs

from sesamy_async._blocking import Sesamy
from sesamy_async._http import Connections
from sesamy_async._settings import SettingsSource
from sesamy_async.auth import ClientCredentials, FileTokenStore, TokenStore
from sesamy_async.auth._credentials import token_options
from sesamy_async.errors import ConfigurationError

from .options import ACCESS, Access, Api
from .output import InterruptWatch, UsageError


if TYPE_CHECKING:
    from sesamy_async.sandbox import Sandbox


@attrs.frozen(kw_only=True)
class Target:
    """What a client is told of it.

    Attributes:
        vendor_id: The publisher.
        credentials: Whose token.
        base_url: None for the default.
        token_url: None for what the environment or the default says.
        connections: How they are made.
    """

    vendor_id: str
    credentials: ClientCredentials
    base_url: str | None = None
    token_url: str | None = None
    connections: Connections = attrs.field(factory=Connections)


def from_environment(options: Api) -> Target:
    """Return what the options and the environment name.

    Raises:
        ConfigurationError: Something is missing; it is named.
    """
    vendor = SettingsSource(os.environ).optional(
        "--vendor", options.vendor, "SESAMY_VENDOR_ID"
    )
    if vendor is None:
        raise ConfigurationError(
            "The vendor is missing: give --vendor, or set SESAMY_VENDOR_ID."
        )
    return Target(
        vendor_id=vendor,
        credentials=credentials(
            _store() if options.token_cache else None, options
        ),
        base_url=options.base_url,
    )


def _store() -> TokenStore | None:
    """Return where tokens are kept; None where there is no such place."""
    try:
        return FileTokenStore()
    except ConfigurationError:
        # A container may have neither HOME nor a cache: no reason to stop.
        return None


@contextmanager
def in_sandbox(
    options: Api, sandbox: Sandbox | None = None
) -> Generator[Target]:
    """Serve a sandbox on loopback while the block runs.

    Args:
        options: Those of the command.
        sandbox: Which; a new one if not given.

    Raises:
        ConfigurationError: aiohttp is missing.
        UsageError: Another place is named too.
    """
    if options.base_url is not None:
        raise UsageError("Give either --sandbox or --base-url.")
    # Nobody else needs it.
    from sesamy_async.sandbox import (  # noqa: PLC0415 - as said above
        Sandbox,
        running,
    )

    sandbox = sandbox or Sandbox()
    with running(sandbox) as url:
        settings = sandbox.environment(url)
        yield Target(
            vendor_id=options.vendor or settings["SESAMY_VENDOR_ID"],
            credentials=ClientCredentials(
                settings["SESAMY_CLIENT_ID"],
                settings["SESAMY_CLIENT_SECRET"],
                **_asked(options, {}),
            ),
            base_url=settings["SESAMY_BASE_URL"],
            token_url=settings["SESAMY_TOKEN_URL"],
            # No proxy leads to loopback.
            connections=Connections(trust_env=False),
        )


def credentials(
    store: TokenStore | None, options: Access = ACCESS
) -> ClientCredentials:
    """Return the credentials, which only the environment may hold.

    Args:
        store: Where tokens are kept.
        options: What is asked for with them.

    Raises:
        ConfigurationError: One is missing, or none.
    """
    names = ("SESAMY_CLIENT_ID", "SESAMY_CLIENT_SECRET")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"Set {' and '.join(missing)}: the credentials come from the "
            "environment only, for others can see what a command is given."
        )
    return ClientCredentials(
        *(os.environ[name] for name in names),
        **_asked(options, os.environ),
        store=store,
    )


def _asked(options: Access, environ: Mapping[str, str]) -> dict[str, Any]:
    given = {
        "scope": options.scope,
        "audience": options.audience,
        "organization": options.organization,
        "encoding": options.token_encoding,
    }
    return token_options(SettingsSource(environ), given)


@contextmanager
def session(options: Api, *, sandbox: bool = False) -> Generator[Sesamy]:
    """Yield a client.

    Args:
        options: Those of the command.
        sandbox: Whether to call a sandbox, which ends with the block.

    Raises:
        ConfigurationError: A setting is missing or impossible.
        InterruptionError: Ctrl-C came.
    """
    watch = InterruptWatch()
    place: AbstractContextManager[Target] = (
        in_sandbox(options)
        if sandbox
        else nullcontext(from_environment(options))
    )
    try:
        with (
            place as target,
            Sesamy(
                target.vendor_id,
                auth=target.credentials,
                base_url=target.base_url,
                token_url=target.token_url,
                timeout=options.timeout,
                deadline=options.deadline,
                middleware=[watch],
                transport=target.connections,
            ) as client,
        ):
            yield client
    except KeyboardInterrupt as interrupt:
        said = watch.interrupted(interrupt)
    else:
        return
    raise said
