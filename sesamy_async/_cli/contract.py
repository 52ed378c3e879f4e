"""``sesamy onboard`` and ``sesamy contract``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from sesamy_async._models import Contract, NewContract
from sesamy_async._models.json import refusal
from sesamy_async.errors import InvalidRequestError

from .client import session
from .options import API, OUTPUT, Api, Flag, OrderFile, Output
from .output import CommandResult, UsageError, rows


onboard_app = App(
    name="onboard",
    help_epilogue="""\
Examples:

  sesamy onboard order.json --promo SPRING-12 --sandbox
  sesamy onboard order.json --promo SPRING-12 --vendor acme
  sesamy onboard order.json --promo SPRING-12 \\
    --idempotency sqlite:///var/lib/shop/orders.db
  make-order 4711 | sesamy onboard - --promo SPRING-12 --json

Credentials are read from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 done; 1 not done; 2 an option, a setting or the
order is wrong; 4 check before you send it again; 130 Ctrl-C.
""",
)
_CREATE_EXAMPLES = """\
Examples:

  sesamy contract create order.json --promo SPRING-12 --sandbox
  sesamy contract create order.json --promo SPRING-12 --confirm
  sesamy contract create - --promo SPRING-12 --json < order.json

Credentials are read from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. The exit codes are those of sesamy onboard.
"""
contract_app = App(
    name="contract",
    help="Create and confirm contracts in separate steps.",
    help_epilogue=_CREATE_EXAMPLES,
)


@onboard_app.default
def onboard(
    file: OrderFile,
    /,
    *,
    promo: str,
    strays: Annotated[bool | None, Parameter(show_default=False)] = None,
    sandbox: Flag = False,
    options: Api = API,
) -> CommandResult:
    """Create a contract, then confirm it: exactly one is confirmed.

    You can repeat this command at any time: a store of orders remembers
    what was sent. A step whose response is lost is retried; at worst, that
    leaves an unconfirmed contract (a stray), which gives no access.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        strays: Whether a create whose response is lost is sent again. By
            default it is, except for invoices.
        sandbox: Send it to a temporary sandbox; needs no credentials, and
            nothing is remembered.
        options: The options that all API commands share.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as (sesamy, store):
        result = sesamy.contracts.onboard(promo, order, allow_strays=strays)
    contract = result.contract
    # The store has only the id of a contract that was confirmed before.
    already = " already" if result.repeated and not contract.raw else ""
    where = " in a sandbox" if sandbox else ""
    return _result(
        f"Contract {contract.id} is confirmed{already}{where}.",
        contract,
        confirmed=True,
        repeated=result.repeated,
        external_order_id=order.external_order_id,
        strays=result.strays,
        sandbox=sandbox,
        store=store,
    )


def _result(said: str, contract: Contract, **more: Any) -> CommandResult:
    data = {"contract_id": contract.id, "status": contract.status, **more}
    strays = more.get("strays")
    facts = {
        "order": more.get("external_order_id"),
        "status": contract.status,
        "strays": None if strays is None else strays_in_words(strays),
        "known from": more["store"] if more.get("repeated") else None,
    }
    return CommandResult(said, data, rows(**facts))


def strays_in_words(strays: int) -> str:
    """Return how many strays there may be, and what they are."""
    if not strays:
        return "0"
    return f"{strays} at most (unconfirmed contracts, which give no access)"


@contract_app.command(help_epilogue=_CREATE_EXAMPLES)
def create(
    file: OrderFile,
    /,
    *,
    promo: str,
    confirm: Flag = False,
    sandbox: Flag = False,
    options: Api = API,
) -> CommandResult:
    """Create a contract; confirm it at once or later.

    If the response is lost, the order may or may not have a contract, so it
    is not sent again. Prefer "sesamy onboard", which can retry this step.
    An order that the store of orders knows is not sent again either.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        confirm: Give the buyer access at once.
        sandbox: Send it to a temporary sandbox; needs no credentials.
        options: The options that all API commands share.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as (sesamy, store):
        contract = sesamy.contracts.create(promo, order, confirm=confirm)
    where = " in a sandbox" if sandbox else ""
    how = " and confirmed" if confirm else ", but not confirmed yet"
    # The store has only the id of a contract that was created before.
    repeated = not contract.raw
    if repeated:
        how = f"{how if confirm else ''} already; nothing was sent"
    return _result(
        f"Contract {contract.id} is created{where}{how}.",
        contract,
        # Another call may have confirmed it.
        confirmed=confirm or (None if repeated else False),
        repeated=repeated,
        external_order_id=order.external_order_id,
        sandbox=sandbox,
        store=store,
    )


@contract_app.command(
    help_epilogue="""\
Examples:

  sesamy contract confirm 5f0c2a --promo SPRING-12
  sesamy contract confirm 5f0c2a --promo SPRING-12 --vendor acme --json

There is no --sandbox here: a sandbox and its contracts end with the command
that started it. Start one with "sesamy sandbox" instead.
Credentials are read from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. The exit codes are those of sesamy onboard.
"""
)
def confirm(
    contract_id: str, /, *, promo: str, options: Api = API
) -> CommandResult:
    """Confirm a contract, which gives the buyer access.

    You can repeat this command: a confirmed contract stays confirmed.

    Args:
        contract_id: The contract id that "create" printed.
        promo: The promo code that the contract was created with.
        options: The options that all API commands share.
    """
    with session(options) as (sesamy, _):
        contract = sesamy.contracts.confirm(promo, contract_id)
    said = f"Contract {contract.id} is confirmed."
    return _result(said, contract, confirmed=True)


@contract_app.command(
    help_epilogue="""\
Examples:

  sesamy contract schema > order.schema.json
  sesamy contract schema --strict

An editor can use it to complete and to check orders.
"""
)
def schema(
    *,
    strict: Flag = False,
    options: Output = OUTPUT,  # noqa: ARG001 - read by app.run
) -> CommandResult:
    """Print the JSON Schema of an order.

    Args:
        strict: Permit only the payment providers, payment methods and
            genders that Sesamy's guide names.
        options: The options that all commands share.
    """
    draft = "https://json-schema.org/draft/2020-12/schema"
    data = {"$schema": draft, **NewContract.json_schema(strict=strict)}
    return CommandResult(json.dumps(data, indent=2), data)


_STDIN = "-"
_LARGEST = 10_000_000


def read_order(file: str) -> NewContract:
    if file.startswith("-") and file != _STDIN:
        # The value after "=" may be a secret.
        raise UsageError(
            f"There is no option {file.partition('=')[0]}. If it is a file, "
            "write ./ before its name."
        )
    name = "stdin" if file == _STDIN else str(Path(file))
    content = _content(file, name)
    try:
        return NewContract.from_json(content)
    except InvalidRequestError as error:
        refused = refusal(name, error.problems, error.external_order_id)
    if refused.external_order_id is not None:
        refused.operation = "read"
    raise refused


def _content(file: str, name: str) -> bytes:
    try:
        # Stdin by its number: where it is closed, sys.stdin is None.
        where, owned = (0, False) if file == _STDIN else (file, True)
        with open(where, "rb", closefd=owned) as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        reason = error.strerror
    else:
        if len(content) <= _LARGEST:
            return content
        reason = f"it has more than {_LARGEST} bytes"
    raise InvalidRequestError(f"{name} can't be read: {reason}.")
