"""All claims: every module in `proof.claims`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from . import claims
from .claim import Claim


def all_claims() -> dict[str, Claim]:
    """Return the claims by name, sorted."""
    names = [each.name for each in pkgutil.iter_modules(claims.__path__)]
    modules = [import_module(f"{claims.__name__}.{name}") for name in names]
    found: list[Claim] = [module.CLAIM for module in modules]
    return {
        claim.name: claim
        for claim in sorted(found, key=lambda each: each.name)
    }
