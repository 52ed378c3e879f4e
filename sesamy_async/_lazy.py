"""Names of a package that load when they are asked for (PEP 562).

Making classes is half of the package's own import time, so classes that most
programs don't use are made when they are first used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def later(
    package: str, homes: Mapping[str, str], modules: Collection[str] = ()
) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a package.

    `homes` are the names that load later, each with its module; `modules`
    are attributes of the package before anybody imports them.  Threads may
    ask at the same time: the import system lets one of them load a module,
    and no two modules named here import each other.
    """

    def load(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        home = homes.get(name)
        if home is None:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}", name=name
            )
        value = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
