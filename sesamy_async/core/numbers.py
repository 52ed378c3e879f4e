"""Checks of numbers in settings."""

from __future__ import annotations

import math

from sesamy_async.errors import ConfigurationError


def check_number(
    name: str, value: object, *, least: float = 0.0, above: bool = False
) -> float:
    """Return a finite number of at least `least`.

    Args:
        name: The argument, for the message.
        value: What was given for it.
        least: The smallest allowed value.
        above: Whether `least` itself is refused too.

    Raises:
        ConfigurationError: It names the argument and says what it takes.
    """
    bound = f"{'more than' if above else 'at least'} {least:g}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        fits = value > least if above else value >= least
        if fits and math.isfinite(value):
            return float(value)
        raise ConfigurationError(
            f"{name} must be a finite number, {bound}; got {value}."
        )
    raise ConfigurationError(
        f"{name} must be a number, {bound}; got {type(value).__name__}."
    )
