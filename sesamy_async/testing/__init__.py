"""Test kit for applications that sell through Sesamy.

pytest finds the fixtures `sesamy_sandbox`, `sesamy_routes` and
`sesamy_time` by itself; the functions here do the same without pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later


if TYPE_CHECKING:
    from ._sandbox import order, routes, use_sandbox
    from ._time import Time, use_runtime
else:  # The pytest plugin costs other people's tests nothing.
    __getattr__ = later(
        __name__,
        {
            "Time": "_time",
            "order": "_sandbox",
            "routes": "_sandbox",
            "use_runtime": "_time",
            "use_sandbox": "_sandbox",
        },
    )


__all__ = ["Time", "order", "routes", "use_runtime", "use_sandbox"]
