"""``python -m proof``: try the claims, print the tables, keep them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import page
from .claim import Claim, Scale
from .registry import all_claims
from .report import section


SEED = 2026


def main(given: Sequence[str] | None = None) -> int:
    """Try what the command line asks for.

    Returns:
        The exit code: 1 where a promise was broken.
    """
    known = all_claims()
    arguments = _arguments(known).parse_args(given)
    broken = False
    for name in arguments.only or known:
        claim = known[name]
        scale = Scale(runs=arguments.runs or claim.runs, seed=arguments.seed)
        rows = list(claim.rows(scale))
        broken = broken or any(row.violations for row in rows)
        text = section(claim, scale, rows)
        print(text, end="\n\n", flush=True)  # noqa: T201 - it reports
        if arguments.runs is None:
            _keep(name, text, list(known))
    return int(broken)


def _keep(name: str, text: str, names: list[str]) -> None:
    before = page.PATH.read_text(encoding="utf-8")
    after = page.with_sections(before, {name: text}, names)
    page.PATH.write_text(after, encoding="utf-8")


def _arguments(known: dict[str, Claim]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m proof")
    parser.add_argument(
        "--runs",
        type=int,
        help="tries for each class; leaves the page as it is",
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(known),
        help="a claim; may be given several times",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
