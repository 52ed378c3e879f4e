"""Checks of numbers in settings."""

from __future__ import annotations

import sys

from sesamy_async.errors import ConfigurationError


_SHOWN_BITS = 64


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
        # No isfinite(), which can't look at an integer of 400 digits.
        if fits and value <= sys.float_info.max:
            return float(value)
        huge = isinstance(value, int) and value.bit_length() > _SHOWN_BITS
        got = "one of too many digits" if huge else value
        raise ConfigurationError(
            f"{name} must be a finite number, {bound}; got {got}."
        )
    raise ConfigurationError(
        f"{name} must be a number, {bound}; got {type(value).__name__}."
    )
