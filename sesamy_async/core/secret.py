"""A string that does not show itself."""

from __future__ import annotations

from typing import Never, Self


class Secret:
    """Hold a secret so that it stays out of reprs, logs and pickles.

    Only :meth:`reveal` hands it out.  Compares by value; copies are the
    same object; pickling is refused.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        self._value: str = (
            value.reveal() if isinstance(value, Secret) else value
        )

    @classmethod
    def hide(cls, value: str | Secret | None) -> Secret | None:
        """Return a secret, or None where there is none."""
        return None if value is None else cls(value)

    def reveal(self) -> str:
        """Return the secret itself: only for the moment it is sent."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> Never:
        raise TypeError(
            "A secret is not pickled; "
            "build the credentials in the process that uses them."
        )
