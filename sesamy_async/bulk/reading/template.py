"""A file to start from."""

from __future__ import annotations

import codecs
import os
from importlib.resources import files
from pathlib import Path

from sesamy_async.bulk.errors import InputFileError


_HERE = "sesamy_async.bulk.reading"


def write_template(
    csv_path: str | os.PathLike[str], mapping_path: str | os.PathLike[str]
) -> None:
    """Write a CSV file with two example orders, and a mapping for it.

    The CSV has the documented headers, and opens in a Nordic spreadsheet:
    semicolons, UTF-8 with a byte order mark.  The mapping maps nothing yet;
    its lines are comments to choose from.

    Args:
        csv_path: Where to write the CSV.
        mapping_path: Where to write the mapping (TOML).

    Raises:
        InputFileError: One of them is there already, and neither was
            written; or one can't be written.

    .. versionadded:: 0.1.0
    """
    contents = {
        Path(csv_path): codecs.BOM_UTF8 + _shipped("template.csv"),
        Path(mapping_path): _shipped("template.toml"),
    }
    for path in contents:
        if path.exists():
            raise InputFileError(
                f"{path} is there already; move it, or give another name. "
                "No template was written."
            )
    for path, content in contents.items():
        _write(path, content)


def _shipped(name: str) -> bytes:
    return files(_HERE).joinpath(name).read_bytes()


def _write(path: Path, content: bytes) -> None:
    try:
        # Somebody else's file may have appeared since it was looked for.
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        said = error.strerror
    else:
        return
    raise InputFileError(f"{path} can't be written: {said}.")
