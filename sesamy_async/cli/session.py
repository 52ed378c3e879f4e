"""A client for the time of one command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sesamy_async import Sesamy

from .interruption import Watch
from .options import Api
from .target import Target, from_environment, in_sandbox


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
    watch = Watch()
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
