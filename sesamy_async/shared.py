"""What a client and its copies have in common."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .auth.bind import bind
from .core.auth import Auth
from .core.call import Middleware
from .core.exchange import Exchange
from .core.lifetime import Lifetime
from .core.quota import Quota
from .core.rate_limit import Bucket, RateLimit
from .core.recent_ids import RecentIds
from .core.runtime import Runtime
from .core.transport import Transport


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Shared:
    """What a client shares with its `with_options` copies.

    Attributes:
        runtime: Time and waiting.
        transport: The connections.
        exchange: Sends one attempt over them.
        auth: Where the Authorization value comes from.
        quota: The retry budget.
        bucket: The pace; None for none.
        recent: Which order got which contract; None where orders may
            share one.
        middleware: The caller's own.
        lifetime: Whether they are closed.
    """

    runtime: Runtime
    transport: Transport
    exchange: Exchange
    auth: Auth
    quota: Quota
    bucket: Bucket | None
    recent: RecentIds | None
    middleware: Sequence[Middleware]
    lifetime: Lifetime

    @classmethod
    def of(
        cls,
        runtime: Runtime,
        transport: Transport,
        *,
        auth: object,
        token_url: str,
        rate_limit: RateLimit | None,
        middleware: Sequence[Middleware],
        shared_contracts: bool,
    ) -> Shared:
        """Put together what is used by all calls.

        Args:
            runtime: Time and waiting.
            transport: The connections.
            auth: What `bind` takes.
            token_url: Where client credentials are traded for a token.
            rate_limit: The pace; None for none.
            middleware: The caller's own, outermost first.
            shared_contracts: Whether orders may share a contract.

        Raises:
            ConfigurationError: `auth` is nothing that authorizes.
        """
        lifetime = Lifetime()
        exchange = Exchange(transport, runtime, lifetime)
        return cls(
            runtime=runtime,
            transport=transport,
            exchange=exchange,
            auth=bind(
                auth, token_url=token_url, runtime=runtime, exchange=exchange
            ),
            quota=Quota(),
            bucket=Bucket(rate_limit, runtime.now()) if rate_limit else None,
            recent=None if shared_contracts else RecentIds(),
            middleware=tuple(middleware),
            lifetime=lifetime,
        )
