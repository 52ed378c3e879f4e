"""Somebody who posts to a sandbox, with a token and a clock."""

from __future__ import annotations

import json
from typing import Any

import attrs

from sesamy_async import Headers
from sesamy_async.sandbox import (
    Answer,
    Ledger,
    Sandbox,
    SandboxConfig,
    SandboxRequest,
)


CREATE = "/payments/vendor/acme/promos/code/SPRING-12"
CONFIRM = f"{CREATE}/confirm"
START = 1_800_000_000.0


def order(external_order_id: str = "A-1", **more: Any) -> dict[str, Any]:
    """Return an order like that of Sesamy's guide."""
    return {
        "externalOrderId": external_order_id,
        "paymentProvider": "KLARNA",
        "paymentMethod": "CARD",
        "quantity": 1,
        "userData": {"email": "ada@example.com", "fullName": "Ada L"},
        **more,
    }


def token_request(sandbox: Sandbox) -> dict[str, str]:
    """Return the body of a request for a token with every scope."""
    environment = sandbox.environment()
    return {
        "client_id": environment["SESAMY_CLIENT_ID"],
        "client_secret": environment["SESAMY_CLIENT_SECRET"],
        "grant_type": "client_credentials",
    }


@attrs.define
class Caller:
    """Somebody with a token and a clock."""

    config: SandboxConfig = attrs.field(factory=SandboxConfig)
    now: float = START
    token: str = ""
    ledger: Ledger | None = None
    sandbox: Sandbox = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sandbox = Sandbox(
            self.config, ledger=self.ledger, clock=lambda: self.now
        )

    def post(
        self, path: str, body: Any = None, *, query: str = "", **headers: str
    ) -> Answer:
        """Post, with the token and as JSON unless told otherwise."""
        sent = {"Content-Type": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= {name.replace("_", "-"): headers[name] for name in headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.sandbox.handle(
            SandboxRequest(
                method="POST",
                path=path,
                query=query,
                headers=Headers(sent),
                body=raw,
            )
        )

    def log_in(self, scope: str | None = None) -> Answer:
        """Ask for a token and keep it."""
        asked = token_request(self.sandbox)
        if scope is not None:
            asked["scope"] = scope
        answer = self.post("/oauth/token", asked)
        self.token = content(answer)["access_token"]
        return answer

    def create(self, *args: Any, query: str = "", **more: Any) -> Answer:
        """Create a contract of an order."""
        return self.post(CREATE, order(*args, **more), query=query)


def content(answer: Answer) -> Any:
    """Parse the body of an answer."""
    return json.loads(answer.body)


def error(answer: Answer) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return answer.status, content(answer)["error"]["code"]


def logged_in(*, ledger: Ledger | None = None, **settings: Any) -> Caller:
    """Return somebody with a token for a sandbox."""
    caller = Caller(config=SandboxConfig(**settings), ledger=ledger)
    caller.log_in()
    return caller
