"""The JSON Schema of an order, from the rules of its fields.

Loaded when it is asked for: no call needs it.
"""

from __future__ import annotations

import re
from copy import deepcopy
from inspect import cleandoc
from typing import Any

from .fields import Rule
from .json import RuledField, ruled_fields


_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
# A docstring also names the field as it is sent, which a schema does anyway.
_WIRE_NAME = re.compile(r", ``\w+``")


def schema_of(cls: type[Any], *, strict: bool) -> dict[str, Any]:
    """Return the schema of an order, or of an object in it."""
    # All is inline: a "$ref" would lead elsewhere once the schema is part of
    # an OpenAPI document.
    texts = _descriptions(cls)
    fields = ruled_fields(cls)
    required = [wire for wire, field in fields.items() if field.required]
    return {
        "title": cls.__name__,
        "type": "object",
        "properties": {
            wire: _described(
                texts.get(field.name), _property(field, strict=strict)
            )
            for wire, field in fields.items()
        },
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _described(text: str | None, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, **schema} if text else schema


def _property(field: RuledField, *, strict: bool) -> dict[str, Any]:
    schema = _value(field.rule, strict=strict)
    if not field.required:  # A null counts as a missing field.
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema


def _value(rule: Rule, *, strict: bool) -> dict[str, Any]:
    if rule.model is not None:
        return schema_of(rule.model, strict=strict)
    if strict and rule.words is not None:
        return {"type": "string", "enum": [*map(str, rule.words)]}
    return deepcopy({**rule.schema})


def _descriptions(cls: type[Any]) -> dict[str, str]:
    """Return what the docstrings say of attributes; nothing with ``-OO``."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        _, _, section = cleandoc(each.__doc__ or "").partition("Attributes:\n")
        for name, text in _ATTRIBUTE.findall(section.partition("\n\n")[0]):
            found[name] = _WIRE_NAME.sub("", " ".join(text.split()))
    return found
