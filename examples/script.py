"""A plain script that tells Sesamy of one order, without async.

Run it with the SESAMY_* variables set:
``python script.py SPRING-12 order.json``.  The exit code says what became
of the order.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sesamy_async import (
    InvalidRequestError,
    NewContract,
    Outcome,
    Sesamy,
    SesamyError,
)


HERE = Path(__file__).parent
EXIT_CODES = {
    Outcome.NOT_SENT: 1,  # Run it again.
    Outcome.REFUSED: 2,  # Mend what stderr names, then run it again.
    Outcome.UNKNOWN: 4,  # Do what stderr says; don't just run it again.
    Outcome.APPLIED: 4,  # Likewise.
}


def exit_code_of(error: SesamyError) -> int:
    """Return the exit code for whoever started this script."""
    if isinstance(error, InvalidRequestError):
        # Nothing was sent, and nothing will be until it is mended.
        return EXIT_CODES[Outcome.REFUSED]
    if error.step == "confirm":
        # The contract is there: to run this again would make another.
        return EXIT_CODES[Outcome.UNKNOWN]
    return EXIT_CODES[error.outcome]


def main() -> int:
    """Onboard the order in the file; return the exit code."""
    parser = argparse.ArgumentParser(description="Tell Sesamy of one order.")
    parser.add_argument("promo_code", nargs="?", default="SPRING-12")
    parser.add_argument("file", nargs="?", default=HERE / "order.json")
    arguments = parser.parse_args()
    try:
        order = NewContract.from_json(Path(arguments.file).read_bytes())
        with Sesamy() as sesamy:
            done = sesamy.contracts.onboard(arguments.promo_code, order)
    except SesamyError as error:
        # It names the order and says what to do next; it holds neither
        # the customer's data nor the secret.
        print(error, file=sys.stderr)
        return exit_code_of(error)
    contract = done.contract
    print(f"Order {order.external_order_id} is contract {contract.id}.")
    for item in contract.items:
        print(f"  {item.name} ({item.sku})")
    print(f"  {contract.price} {contract.currency}, {contract.status}")
    if done.strays:
        print(f"  up to {done.strays} unconfirmed strays besides it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
