"""Import a file of orders: ``python import_file.py orders.csv``.

It needs the SESAMY_* variables.  After a crash or Ctrl-C, run it again.
"""

from __future__ import annotations

import sys

import anyio

from sesamy_async import AsyncSesamy
from sesamy_async.bulk import Progress, import_file


def show(now: Progress) -> None:
    """Print how far it has come."""
    print(f"{now.settled} of {now.rows} rows")


async def main(path: str) -> None:
    """Send the orders, and say what became of them."""
    promo = "SPRING-12"
    async with AsyncSesamy() as sesamy:
        done = await import_file(sesamy, path, promo_code=promo, progress=show)
    print(f"{done.done} of {done.rows} are done: {done.ending}.")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
