"""The client that a command uses, and where its calls go."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import attrs
from platformdirs import user_state_path

from sesamy_async._blocking import Sesamy
from sesamy_async._call import Call, Proceed, Response
from sesamy_async._checks import Problems
from sesamy_async._http import Connections
from sesamy_async._pipeline import describe
from sesamy_async._settings import BASE_URL, SettingsSource, check_url
from sesamy_async.auth import ClientCredentials, FileTokenStore, TokenStore
from sesamy_async.auth._credentials import token_options
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import (
    IdempotencyStore,
    SQLiteStore,
    store_from_url,
)

from .options import ACCESS, Access, Api, Chosen, Target
from .output import InterruptionError, UsageError


if TYPE_CHECKING:
    from sesamy_async.sandbox import Sandbox


ClientArguments: TypeAlias = dict[str, Any]
"""The arguments of a client, blocking or not."""


def from_environment(options: Api) -> ClientArguments:
    """Return the arguments that options and environment give."""
    check = Problems()
    given = ClientArguments(
        vendor_id=check(needed_vendor, options),
        auth=check(credentials, _tokens(options), options),
        base_url=check(base_url, options),
        timeout=options.timeout,
        deadline=options.deadline,
        idempotency=check(store_of_orders, options.idempotency) or False,
    )
    check.raise_all()
    return given


def vendor_of(options: Target | Chosen) -> str | None:
    vendor: str | None = SettingsSource(os.environ).optional(
        "--vendor", options.vendor, "SESAMY_VENDOR_ID"
    )
    return vendor


def needed_vendor(options: Target | Chosen) -> str:
    """Return the vendor; refuse to go on without one."""
    vendor = vendor_of(options)
    if vendor is None:
        raise ConfigurationError(
            "The vendor is missing: give --vendor, or set SESAMY_VENDOR_ID."
        )
    return vendor


def given_base_url(options: Target | Chosen) -> str | None:
    option, variable = "--base-url", "SESAMY_BASE_URL"
    url = SettingsSource(os.environ).optional(
        option, options.base_url, variable
    )
    return None if url is None else check_url(option, url, variable)


def base_url(options: Target | Chosen) -> str:
    return given_base_url(options) or BASE_URL


def _tokens(options: Api) -> TokenStore | None:
    # A container may have neither HOME nor a cache: no reason to stop.
    with suppress(ConfigurationError):
        return FileTokenStore() if options.token_cache else None
    return None


def check_target(options: Api, *, sandbox: bool) -> None:
    """Refuse options that name two places to send to."""
    if sandbox and options.base_url is not None:
        raise UsageError("Give either --sandbox or --base-url.")


@contextmanager
def in_sandbox(
    options: Api, sandbox: Sandbox | None = None
) -> Generator[ClientArguments]:
    """Serve a sandbox on loopback, a new one by default."""
    from sesamy_async.sandbox import (  # noqa: PLC0415 - only for --sandbox
        Sandbox,
        running,
    )

    sandbox = sandbox or Sandbox()
    with running(sandbox) as url:
        settings = sandbox.environment(url)
        yield ClientArguments(
            vendor_id=options.vendor or settings["SESAMY_VENDOR_ID"],
            auth=ClientCredentials(
                settings["SESAMY_CLIENT_ID"],
                settings["SESAMY_CLIENT_SECRET"],
                **_token_options(options, {}),
            ),
            base_url=settings["SESAMY_BASE_URL"],
            token_url=settings["SESAMY_TOKEN_URL"],
            timeout=options.timeout,
            deadline=options.deadline,
            # A proxy can't reach loopback.
            transport=Connections(trust_env=False),
            # These orders were not reported to Sesamy.
            idempotency=False,
        )


def store_of_orders(
    given: str | None, *, new: bool = True
) -> IdempotencyStore | None:
    """Return the store that an option or the environment names.

    By default it is a file in the home folder, whose folder is created if
    it is `new`; None if no store is wanted.
    """
    option, variable = "--idempotency", "SESAMY_IDEMPOTENCY"
    url = SettingsSource(os.environ).optional(option, given, variable)
    if url is None:
        return SQLiteStore(_own_folder(new=new) / "orders.db")
    if given is not None and _has_password(given):
        raise UsageError(
            f"The URL in {option} has a password, which others can see. Set "
            f"{variable} instead."
        )
    return None if url == "none" else store_from_url(url)


@contextmanager
def remembering(given: str | None) -> Generator[IdempotencyStore | None]:
    """Yield the store of orders, and close it; None if there is none."""
    store = store_of_orders(given)
    with closing(store) if store is not None else nullcontext():
        yield store


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return False  # It will be refused without being shown.


def _own_folder(*, new: bool) -> Path:
    folder = Path()
    # Without a home, platformdirs raises; before 4.12, it returned "~/...".
    with suppress(RuntimeError):
        folder = user_state_path("sesamy", appauthor=False)
    if not folder.is_absolute():
        raise _nowhere("there is no home folder")
    if new:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise _nowhere(f"{folder} can't be created ({reason})") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _nowhere(f"you have no permission to write to {folder}")
    return folder


def _nowhere(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The store of orders can't be created: {why}. Set SESAMY_IDEMPOTENCY "
        "to a permanent file, such as sqlite:///var/lib/shop/orders.db, or to "
        "a server. With --idempotency none, an order that is sent again gets "
        "a second contract."
    )


def name_of(store: IdempotencyStore) -> str:
    """Return a store's name for people: its file, or its type."""
    if isinstance(store, SQLiteStore):
        return str(store.path)
    return type(store).__name__


def credentials(
    store: TokenStore | None, options: Access = ACCESS
) -> ClientCredentials:
    """Return the credentials, which come from the environment only."""
    source, check = SettingsSource(os.environ), Problems()
    names = ("SESAMY_CLIENT_ID", "SESAMY_CLIENT_SECRET")
    pair = [check(source.optional, name, None, name) for name in names]
    given = check(_token_options, options, os.environ)
    check(_check_pair, names)
    check.raise_all()
    return ClientCredentials(*pair, **given, store=store)


def _check_pair(names: tuple[str, ...]) -> None:
    missing = [name for name in names if not os.environ.get(name, "").strip()]
    if missing:
        raise ConfigurationError(
            f"Set {' and '.join(missing)}: credentials are read from the "
            "environment only, because others can see a command's options."
        )


def _token_options(
    options: Access, environ: Mapping[str, str]
) -> dict[str, Any]:
    given = {
        "scope": options.scope,
        "audience": options.audience,
        "organization": options.organization,
        "encoding": options.token_encoding,
    }
    return token_options(SettingsSource(environ), given)


@attrs.define
class _LatestCall:
    """A middleware that remembers the latest operation."""

    call: Call | None = None

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        if call.parent is None:
            self.call = call
        return await proceed(call)

    def interrupted(
        self, interrupt: KeyboardInterrupt, *, remembered: bool
    ) -> InterruptionError:
        """Return the error that says what happened to the latest call."""
        error = InterruptionError("Interrupted.")
        if self.call is not None:
            describe(self.call, error)
        # The last note is the SDK's own of this operation, or of its store.
        notes: list[str] = getattr(interrupt, "__notes__", [])
        last = notes[-1] if notes else ""
        if remembered:
            became = getattr(last, "became", None)
            confirming = became is not None and became.step == "confirm"
            error.resumable = error.repeatable or confirming
        error.aside = ""  # The note knows how far the confirm came.
        if last != str(error):
            error.aside = last
        return error


@contextmanager
def session(
    options: Api, *, sandbox: bool = False
) -> Generator[tuple[Sesamy, str | None]]:
    """Yield a client, and the name of its store of orders, if it has one.

    It may be the client of a sandbox that ends with the block.

    Raises:
        InterruptionError: Ctrl-C was pressed.
    """
    check_target(options, sandbox=sandbox)
    latest = _LatestCall()
    arguments = (
        in_sandbox(options)
        if sandbox
        else nullcontext(from_environment(options))
    )
    name: str | None = None
    try:
        with arguments as given:
            store = given["idempotency"]
            name = name_of(store) if store else None
            with (
                closing(store) if store else nullcontext(),
                Sesamy(**given, middleware=[latest]) as client,
            ):
                yield client, name
    except KeyboardInterrupt as interrupt:
        raise latest.interrupted(
            interrupt, remembered=name is not None
        ) from None
