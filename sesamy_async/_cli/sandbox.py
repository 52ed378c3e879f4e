"""``sesamy sandbox``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number


sandbox_app = App(
    name="sandbox",
    help_epilogue="""\
Examples:

  sesamy sandbox
  sesamy sandbox --port 9000 --config shop.toml

Paste the lines that it prints into another terminal; there
"sesamy onboard order.json --promo SPRING-12" then goes to the sandbox.
Exit codes: 0 ended by Ctrl-C; 2 an option or the configuration is wrong.
""",
)


@sandbox_app.default
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
