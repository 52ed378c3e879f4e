"""A file to begin with."""

from __future__ import annotations

from pathlib import Path

from sesamy_async.bulk.reading import write_template
from sesamy_async.cli.answer import Answer
from sesamy_async.cli.usage import UsageError


_DEFAULT = "orders.csv"


def template(file: str | None) -> Answer:
    """Write a CSV file and a mapping, where none are.

    Args:
        file: The path of the CSV file; orders.csv if not given.

    Raises:
        UsageError: Both would be one file.
        InputFileError: One is there already, or can't be written.
    """
    path = Path(file or _DEFAULT)
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(f"{path} is the mapping's name; name a CSV file.")
    write_template(path, mapping)
    return Answer(
        f"{path} is a file to begin with, and {mapping} a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (
            "  Fill it in, and try it with --promo SPRING-12 --sandbox.",
            "  Are your headers others? Write them into the mapping.",
        ),
    )
