"""``sesamy onboard`` and ``sesamy contract``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sesamy_async._models import NewContract
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

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 done; 1 not done; 2 an option, a setting or the
order is wrong; 4 check before sending it again; 130 Ctrl-C.
""",
)
_CREATE_EXAMPLES = """\
Examples:

  sesamy contract create order.json --promo SPRING-12 --sandbox
  sesamy contract create order.json --promo SPRING-12 --confirm
  sesamy contract create - --promo SPRING-12 --json < order.json

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. The exit codes are those of sesamy onboard.
"""
contract_app = App(
    name="contract",
    help="Create and confirm contracts, one step at a time.",
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

    It can be given again at any time: a store of orders remembers what was
    sent. A step whose answer is lost is repeated; at worst that leaves an
    unconfirmed contract (a stray), which gives no access.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        strays: Whether a create whose answer is lost is sent again. By
            default it is, but not for invoices.
        sandbox: Send it to a temporary sandbox; needs no credentials, and
            nothing is remembered.
        options: The options that all API commands share.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as (sesamy, store):
        result = sesamy.contracts.onboard(promo, order, allow_strays=strays)
    contract = result.contract
    # Of one that was confirmed before, the store has the id only.
    already = " already" if result.repeated and not contract.raw else ""
    where = " in a sandbox" if sandbox else ""
    return CommandResult(
        f"Contract {contract.id} is confirmed{already}{where}.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            "confirmed": True,
            "repeated": result.repeated,
            "external_order_id": order.external_order_id,
            "strays": result.strays,
            "sandbox": sandbox,
            "store": store,
        },
        rows(
            order=order.external_order_id,
            status=contract.status,
            strays=strays_in_words(result.strays),
            **{"known from": store if result.repeated else None},
        ),
    )


def strays_in_words(strays: int) -> str:
    """Return how many there may be, and what they are."""
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
    """Create a contract; confirm it at once, or later.

    If the answer is lost, nobody knows whether there is a contract, so it
    is not sent again. Prefer "sesamy onboard", which can repeat it.
    An order that the store knows is not sent again either.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        confirm: Give the user access at once.
        sandbox: Send it to a temporary sandbox; needs no credentials.
        options: The options that all API commands share.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as (sesamy, store):
        contract = sesamy.contracts.create(promo, order, confirm=confirm)
    where = " in a sandbox" if sandbox else ""
    how = " and confirmed" if confirm else ", but not confirmed yet"
    # Of one that was made before, the store has the id only.
    repeated = not contract.raw
    if repeated:
        how = f"{how if confirm else ''} already; nothing was sent"
    return CommandResult(
        f"Contract {contract.id} is created{where}{how}.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            # If it was made before, another call may have confirmed it.
            "confirmed": confirm or (None if repeated else False),
            "repeated": repeated,
            "external_order_id": order.external_order_id,
            "sandbox": sandbox,
            "store": store,
        },
        rows(
            order=order.external_order_id,
            status=contract.status,
            **{"known from": store if repeated else None},
        ),
    )


@contract_app.command(
    help_epilogue="""\
Examples:

  sesamy contract confirm 5f0c2a --promo SPRING-12
  sesamy contract confirm 5f0c2a --promo SPRING-12 --vendor acme --json

There is no --sandbox here: that sandbox and its contracts end with the
command. Start one with "sesamy sandbox" instead.
The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. The exit codes are those of sesamy onboard.
"""
)
def confirm(
    contract_id: str, /, *, promo: str, options: Api = API
) -> CommandResult:
    """Confirm a contract: it gives the user access.

    It can be repeated: a confirmed contract stays confirmed.

    Args:
        contract_id: The id in the answer to "create".
        promo: The promo code that the contract was created with.
        options: The options that all API commands share.
    """
    with session(options) as (sesamy, _):
        contract = sesamy.contracts.confirm(promo, contract_id)
    return CommandResult(
        f"Contract {contract.id} is confirmed.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            "confirmed": True,
        },
        rows(status=contract.status),
    )


@contract_app.command(
    help_epilogue="""\
Examples:

  sesamy contract schema > order.schema.json
  sesamy contract schema --strict

Editors that are given the schema complete and check orders.
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
_MOST_PROBLEMS = 50


def read_order(file: str) -> NewContract:
    """Read an order in Sesamy's JSON from a file, or from stdin.

    Raises:
        InvalidRequestError: It can't be read, or holds no order; the
            message names the file, and every field that is wrong.
    """
    if file.startswith("-") and file != _STDIN:
        # The value after "=" may be a secret.
        raise UsageError(
            f"There is no option {file.partition('=')[0]}; write ./- for "
            "a file whose name begins with a hyphen."
        )
    name = "stdin" if file == _STDIN else str(Path(file))
    content = _content(file, name)
    try:
        return NewContract.from_json(content)
    except InvalidRequestError as error:
        problems, order = error.problems, error.external_order_id
    refused = InvalidRequestError(_message(name, problems), problems=problems)
    if order is not None:
        refused.operation = "read"
        refused.external_order_id = order
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


def _message(name: str, problems: Sequence[str]) -> str:
    count = len(problems)
    shown = [*problems[:_MOST_PROBLEMS]]
    if count > _MOST_PROBLEMS:
        shown.append(f"and {count - _MOST_PROBLEMS} more")
    what = "a problem" if count == 1 else f"{count} problems"
    return f"{name} has {what}: {'; '.join(shown)}."
