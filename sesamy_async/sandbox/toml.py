"""A configuration from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import cattrs

from sesamy_async.core.secret import Secret
from sesamy_async.errors import ConfigurationError


_T = TypeVar("_T")


def _exactly(kind: type[Any], *kinds: type[Any]) -> Any:
    """Return a hook that takes values of these types only.

    cattrs would convert: the TOML ``secret = 5`` is more likely a mistake
    than a secret.
    """
    accepted = (kind, *kinds)

    def check(value: object, _: object) -> object:
        if type(value) not in accepted:
            raise TypeError(
                f"expected {kind.__name__}, got {type(value).__name__}"
            )
        return value

    return check


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _exactly(float, int))
    text = _exactly(str)
    converter.register_structure_hook(
        Secret, lambda value, kind: Secret(text(value, kind))
    )
    return converter


def _reason(problem: BaseException, kind: type[Any] | None) -> str:
    if isinstance(problem, ConfigurationError):
        return str(problem.args[0])
    if isinstance(problem, KeyError):
        return f"{problem.args[0]} is missing"
    if isinstance(problem, TypeError):
        return str(problem)
    return cattrs.v.format_exception(problem, kind)


def read_config(kind: type[_T], path: Path) -> _T:
    """Read a configuration.

    Raises:
        ConfigurationError: The file can't be read, or something in it is
            wrong; the message names every key that is.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The configuration {path} can't be read: {error}."
        ) from error
    if content.get("rate_limit") is False:
        # TOML has no null.
        content["rate_limit"] = None
    try:
        return _converter().structure(content, kind)
    except cattrs.BaseValidationError as error:
        problems = "; ".join(
            cattrs.transform_error(
                error, path="config", format_exception=_reason
            )
        )
        raise ConfigurationError(
            f"The configuration {path} is wrong: {problems}."
        ) from None
