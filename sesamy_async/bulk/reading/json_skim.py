"""Proving at little cost that a parsed order is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from sesamy_async.models import NewContract
from sesamy_async.models.check import ruled_fields
from sesamy_async.models.repeated import RepeatedKeys
from sesamy_async.models.rules import KEY, TEXT
from sesamy_async.models.texts import is_object

from .fields import FIELDS, OVERRIDES, Check
from .plain import is_text


Right: TypeAlias = Callable[[Any], bool]

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def may_hold_surrogates(line: str) -> bool:
    """Whether a string of the line may be no text once it is parsed."""
    return not is_text(line) or _ESCAPED_SURROGATE.search(line) is not None


def right_row(*, allow_unknown: bool) -> Right:
    """Return what tells whether an object is an order, with its overrides.

    It may say no to what is right, never yes to what is wrong.  What it
    does not look for is a lone surrogate: see `may_hold_surrogates`.

    Args:
        allow_unknown: Whether a word may be none that the guide names.
    """
    checks = {
        name: field.check(allow_unknown=allow_unknown)
        for name, field in FIELDS.items()
    }
    members = {**_members(NewContract, "", checks)}
    for name in OVERRIDES:
        members[name] = _by_rule(checks[name])
    return partial(_all_right, members)


def _members(
    model: type[Any], above: str, checks: Mapping[str, Check]
) -> Mapping[str, Right]:
    members: dict[str, Right] = {}
    for wire, ruled in ruled_fields(model).items():
        name = f"{above}{wire}"
        if ruled.rule.model is not None:
            inner = _members(ruled.rule.model, f"{name}.", checks)
            members[wire] = partial(_all_right, inner)
        elif ruled.rule is TEXT[KEY]:
            members[wire] = _is_text
        else:
            members[wire] = _by_rule(checks.get(name, ruled.rule.check))
    return members


def _all_right(members: Mapping[str, Right], value: Any) -> bool:
    if value is None:
        return True
    if not is_object(value) or isinstance(value, RepeatedKeys):
        return False
    for key, item in value.items():
        right = members.get(key)
        if right is None or not right(item):
            return False
    return True


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _by_rule(check: Check) -> Right:
    def right(value: Any) -> bool:
        return value is None or next(check(value, ""), None) is None

    return right
