"""What is wrong with a file is said in words, with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._cli.contract import read_order
from sesamy_async._cli.output import UsageError
from sesamy_async._models import NewContract
from sesamy_async.errors import InvalidRequestError


ORDER = Path(__file__).parents[2] / "examples" / "order.json"


def wrong(file: Path) -> InvalidRequestError:
    """Return the error for a file."""
    with pytest.raises(InvalidRequestError) as caught:
        read_order(str(file))
    return caught.value


def test_example() -> None:
    """The example order is read, and holds every documented field."""
    order = read_order(str(ORDER))
    documented: Any = json.loads(ORDER.read_text("utf-8"))

    assert order.to_dict() == documented
    assert not _unset(order)
    assert not _unset(order.user_data)


def _unset(model: Any) -> list[str]:
    fields = attrs.fields(type(model))
    values = {field.name: getattr(model, field.name) for field in fields}
    nested = [values.get("address"), values.get("business_details")]
    unset = [name for name, value in values.items() if value is None]
    return unset + [each for one in nested if one for each in _unset(one)]


def test_missing(tmp_path: Path) -> None:
    """A file that isn't there is named."""
    error = wrong(tmp_path / "nowhere.json")

    assert error.args[0] == (
        f"{tmp_path}/nowhere.json can't be read: there is no such file."
    )


def test_directory(tmp_path: Path) -> None:
    """A directory is told from a file."""
    error = wrong(tmp_path)

    assert error.args[0] == f"{tmp_path} can't be read: it is a directory."


def test_unreadable(tmp_path: Path) -> None:
    """What else the system says is passed on."""
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    error = wrong(loop)

    assert error.args[0].startswith(f"{loop} can't be read: Too many levels")


def test_endless() -> None:
    """A file without end is not read to its end."""
    error = wrong(Path("/dev/zero"))

    assert error.args[0] == (
        "/dev/zero can't be read: it has more than 10000000 bytes."
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": 1,\n  b}', "broken at line 2 column 3: Expecting property"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"", "broken at line 1 column 1"),
        (b"[]", "expected an object, got list"),
    ],
)
def test_no_order(tmp_path: Path, content: bytes, problem: str) -> None:
    """Where the file is broken, the place is named."""
    file = tmp_path / "order.json"
    file.write_bytes(content)
    error = wrong(file)

    assert error.args[0].startswith(f"{file} has a problem: ")
    assert problem in error.args[0]
    assert error.external_order_id is None


def test_all_problems(tmp_path: Path) -> None:
    """Every wrong field is named, and the order too."""
    file = tmp_path / "order.json"
    file.write_text('{"externalOrderId": "A-1", "quantity": "1", "x": 1}')
    error = wrong(file)

    assert error.problems == (
        "quantity: expected int, got str",
        "x: unknown field",
    )
    assert str(error).startswith(
        f"read of order 'A-1': {file} has 2 problems: quantity: expected"
    )


def test_too_many_problems(tmp_path: Path) -> None:
    """The message ends somewhere; `problems` has them all."""
    file = tmp_path / "order.json"
    file.write_text(json.dumps({f"x{number}": 1 for number in range(80)}))
    error = wrong(file)

    assert len(error.problems) == 81
    assert error.args[0].endswith("x48: unknown field; and 31 more.")


def test_option_for_a_file() -> None:
    """An unknown option is not taken for a file."""
    with pytest.raises(UsageError) as caught:
        read_order("--key=s3cret")

    assert "There is no option --key;" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_order_is_new_contract() -> None:
    """What is read is what the SDK takes."""
    assert isinstance(read_order(str(ORDER)), NewContract)
