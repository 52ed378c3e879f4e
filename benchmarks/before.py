"""The SDK of an older commit, to compare with."""

from __future__ import annotations

import subprocess
from pathlib import Path
from zipfile import ZipFile

from .payload import ROOT


def checkout(commit: str, folder: Path) -> tuple[str, str]:
    """Write the package `sesamy_async` of a commit into a new folder.

    Returns:
        The folder, and the short name of the commit.
    """
    name = _git("rev-parse", "--short", f"{commit}^{{commit}}").strip()
    folder.mkdir()
    archive = folder / "archive.zip"
    _git("archive", "--output", str(archive), name, "sesamy_async")
    with ZipFile(archive) as packed:
        packed.extractall(folder)
    return str(folder), name


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
