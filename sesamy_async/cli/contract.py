"""``sesamy contract create`` and ``sesamy contract confirm``."""

from __future__ import annotations

from .answer import Answer, rows
from .options import API, Api, Flag, OrderFile
from .reading import read_order
from .session import session


CREATE_EXAMPLES = """\
Examples:

  sesamy contract create order.json --promo SPRING-12 --sandbox
  sesamy contract create order.json --promo SPRING-12 --confirm
  sesamy contract create - --promo SPRING-12 --json < order.json

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: as of sesamy onboard.
"""

CONFIRM_EXAMPLES = """\
Examples:

  sesamy contract confirm 5f0c2a --promo SPRING-12
  sesamy contract confirm 5f0c2a --promo SPRING-12 --vendor acme --json

There is no --sandbox here: such a sandbox ends with its command, and its
contracts with it. Start one with "sesamy sandbox" instead.
The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: as of sesamy onboard.
"""


def create(
    file: OrderFile,
    /,
    *,
    promo: str,
    confirm: Flag = False,
    sandbox: Flag = False,
    options: Api = API,
) -> Answer:
    """Create a contract; confirm it at once, or later.

    Where the answer is lost on the way, nobody knows whether there is a
    contract, and this does not try again. Prefer "sesamy onboard", which
    can.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        confirm: Give the user access at once.
        sandbox: Send it to a sandbox of its own; needs no credentials.
        options: Those of all API commands.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as sesamy:
        contract = sesamy.contracts.create(promo, order, confirm=confirm)
    where = " in a sandbox" if sandbox else ""
    how = " and confirmed" if confirm else ", but not confirmed yet"
    return Answer(
        f"Contract {contract.id} is made{where}{how}.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            "confirmed": confirm,
            "external_order_id": order.external_order_id,
            "sandbox": sandbox,
        },
        rows(order=order.external_order_id, status=contract.status),
    )


def confirm(
    contract_id: str,
    /,
    *,
    promo: str,
    options: Api = API,
) -> Answer:
    """Confirm a contract: it gives the user access.

    It can be repeated: a contract that is confirmed stays so.

    Args:
        contract_id: What "create" has answered.
        promo: The promo code that it was made under.
        options: Those of all API commands.
    """
    with session(options) as sesamy:
        contract = sesamy.contracts.confirm(promo, contract_id)
    return Answer(
        f"Contract {contract.id} is confirmed.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            "confirmed": True,
        },
        rows(status=contract.status),
    )
