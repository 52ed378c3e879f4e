"""``sesamy onboard``."""

from __future__ import annotations

from .answer import Answer, rows
from .options import API, Api, Flag, OrderFile
from .reading import read_order
from .session import session


EXAMPLES = """\
Examples:

  sesamy onboard order.json --promo SPRING-12 --sandbox
  sesamy onboard order.json --promo SPRING-12 --vendor acme
  make-order 4711 | sesamy onboard - --promo SPRING-12 --json

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 done; 1 not done; 2 an option, a setting or the
order is wrong; 4 look before sending it again; 130 Ctrl-C.
"""


def onboard(
    file: OrderFile,
    /,
    *,
    promo: str,
    sandbox: Flag = False,
    options: Api = API,
) -> Answer:
    """Create a contract, then confirm it: exactly one is confirmed.

    An answer that is lost on the way is no harm: the step is repeated. At
    worst an unconfirmed stray is left, which gives no access.

    Args:
        file: The order in Sesamy's JSON; "-" for stdin.
        promo: The promo code: one product at one price.
        sandbox: Send it to a sandbox of its own; needs no credentials.
        options: Those of all API commands.
    """
    order = read_order(file)
    with session(options, sandbox=sandbox) as sesamy:
        result = sesamy.contracts.onboard(promo, order)
    contract = result.contract
    where = " in a sandbox" if sandbox else ""
    return Answer(
        f"Contract {contract.id} is confirmed{where}.",
        {
            "contract_id": contract.id,
            "status": contract.status,
            "confirmed": True,
            "external_order_id": order.external_order_id,
            "strays": result.strays,
            "sandbox": sandbox,
        },
        rows(
            order=order.external_order_id,
            status=contract.status,
            strays=_strays(result.strays),
        ),
    )


def _strays(count: int) -> str:
    if not count:
        return "0"
    return f"{count} at most (unconfirmed contracts, which give no access)"
