"""What is wrong with a field of an order, and what is sent of it."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async._models import NewContract, User
from sesamy_async.errors import InvalidRequestError


def problems(cls: Any, **fields: Any) -> tuple[str, ...]:
    """Return what is wrong with an object of these fields."""
    if cls is NewContract:
        fields = {"external_order_id": "A-1", **fields}
    with pytest.raises(InvalidRequestError) as caught:
        cls(**fields)
    return caught.value.problems


def sent(**fields: Any) -> dict[str, Any]:
    """Return what is sent of a user with these fields."""
    user = User(**fields)
    order = NewContract(external_order_id="A-1", user_data=user)
    data: dict[str, Any] = order.to_dict()["userData"]
    return data
