"""A sandbox for all clients that an application makes by itself."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

import attrs
import httpx

from sesamy_async._models import NewContract, User
from sesamy_async.sandbox import Sandbox


try:
    import respx
    from respx.models import AllMockedAssertionError, PassThrough
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "sesamy_async.testing needs respx: "
        "pip install 'sesamy-async[testing]'.",
        name=error.name,
    ) from None

_PREFIX = "SESAMY_"
_INVALID = "sandbox.invalid"
# Sesamy's own hosts, too: a URL in the code must not lead a test there.
_HOST = r"^https?://([^/?#]+\.)?(sandbox\.invalid|sesamy\.com|sesamy\.dev)"
_ORIGIN = rf"{_HOST}(:\d+)?"
_OFFER = rf"{_ORIGIN}/payments/vendor/[^/?]*/promos/code/[^/?]*"
_ROUTES = {
    "token": rf"{_ORIGIN}/oauth/token$",
    "create": rf"{_OFFER}(\?|$)",
    "confirm": rf"{_OFFER}/confirm/[^/?]*(\?|$)",
    "other": rf"{_ORIGIN}(/|\?|$)",
}


def order(external_order_id: str = "A-1", **changes: Any) -> NewContract:
    """Return a complete order with made-up data.

    Args:
        external_order_id: Its id.
        **changes: Values of other fields of `NewContract`.
    """
    made = NewContract(
        external_order_id=external_order_id,
        payment_provider="KLARNA",
        payment_method="CARD",
        quantity=1,
        user_data=User(email="test@example.com", full_name="Test Person"),
    )
    return attrs.evolve(made, **changes)


def environment(
    sandbox: Sandbox, idempotency: str | None
) -> dict[str, str | None]:
    """Return the variables to set; None is for those to remove."""
    variables: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith(_PREFIX)
    }
    variables |= sandbox.environment()
    variables["SESAMY_IDEMPOTENCY"] = idempotency
    # One in lower case wins, wherever both are read.
    given = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    if given != "*":
        variables["no_proxy"] = f"{given},{_INVALID}".lstrip(",")
    return variables


@contextmanager
def use_sandbox(
    sandbox: Sandbox | None = None, *, idempotency: str | None = None
) -> Generator[Sandbox]:
    """Set the ``SESAMY_*`` variables for a sandbox while the block runs.

    Clients that are created in the block have its settings; with `routes`
    it also answers them.  All other ``SESAMY_*`` variables are unset.

    Args:
        sandbox: The sandbox; by default, a new one.
        idempotency: The URL of a store of orders, for
            ``SESAMY_IDEMPOTENCY``; by default, there is none.
    """
    used = Sandbox() if sandbox is None else sandbox
    with patch.dict(os.environ):
        for name, value in environment(used, idempotency).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        yield used


def routes(sandbox: Sandbox) -> respx.MockRouter:
    """Let a sandbox answer all clients of this process, in a ``with``.

    The routes are called ``token``, ``create`` and ``confirm``, and
    ``other`` for all other requests to Sesamy.  Requests to Sesamy's own
    hosts are answered, too; requests to other hosts are passed through.
    A client needs no `transport`, but it must use httpx, which is the
    default.

    Args:
        sandbox: Answers all requests that a test does not script.
    """
    transport = sandbox.transport()

    def answer(request: httpx.Request) -> Any:
        if _awaited.get():
            return transport.handle_async_request(request)
        return transport.handle_request(request)

    router = _Router(assert_all_called=False)
    for name, url in _ROUTES.items():
        router.route(name=name, url__regex=url).mock(side_effect=answer)
    return router


# respx asks both worlds' side effects in the same way.
_awaited = ContextVar("sesamy_awaited", default=False)


class _Router(respx.MockRouter):
    """Leaves alone what is not for it, unless another router is there."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        with self._answering(request, awaited=False):
            return super().handler(request)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        with self._answering(request, awaited=True):
            return await super().async_handler(request)

    @contextmanager
    def _answering(
        self, request: httpx.Request, *, awaited: bool
    ) -> Generator[None]:
        token = _awaited.set(awaited)
        try:
            yield
        except AllMockedAssertionError:
            if self.Mocker is None or self.Mocker.routers != [self]:
                raise
            raise PassThrough(
                f"{request!r} is not for Sesamy.",
                request=request,
                origin=self["other"],
            ) from None
        finally:
            _awaited.reset(token)
