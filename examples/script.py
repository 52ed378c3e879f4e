"""A plain script that reports one order, without async.

Run it with the SESAMY_* variables set:
``python script.py SPRING-12 order.json``.  The exit code says what became
of the order.  It can be run again at any time: an order gets one contract.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sesamy_async import NewContract, Sesamy, SesamyError


HERE = Path(__file__).parent
# All runs share a file in the current folder, if the variable names none.
STORE = os.environ.get("SESAMY_IDEMPOTENCY") or "sqlite:orders.db"
AGAIN = 1  # Run it again.
MEND = 2  # Mend what stderr names, then run it again.
LOOK = 4  # Do what stderr says: somebody has to look.


def exit_code_of(error: SesamyError) -> int:
    """Return the exit code for whoever started this script."""
    if error.retryable:
        return AGAIN
    return MEND if error.outcome.nothing_done else LOOK


def main() -> int:
    """Onboard the order in the file; return the exit code."""
    parser = argparse.ArgumentParser(description="Report one order.")
    parser.add_argument("promo_code", nargs="?", default="SPRING-12")
    parser.add_argument("file", nargs="?", default=HERE / "order.json")
    arguments = parser.parse_args()
    try:
        order = NewContract.from_json(Path(arguments.file).read_bytes())
        with Sesamy(idempotency=STORE) as sesamy:
            done = sesamy.contracts.onboard(arguments.promo_code, order)
    except SesamyError as error:
        # It names the order and says what to do next; it holds neither
        # the customer's data nor the secret.
        print(error, file=sys.stderr)
        return exit_code_of(error)
    contract = done.contract
    print(f"Order {order.external_order_id} is contract {contract.id}.")
    if done.repeated:
        print("  reported before")  # And more of it is not known.
    else:
        for item in contract.items:
            print(f"  {item.name} ({item.sku})")
        print(f"  {contract.price} {contract.currency}, {contract.status}")
    if done.strays:
        print(f"  up to {done.strays} unconfirmed strays besides it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
