"""Check what a built sdist and wheel hold, before anybody installs them.

Usage: ``python scripts/check_built.py DIRECTORY`` with one of each in it.
"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile


ROOT = Path(__file__).parents[1]
PACKAGE = "sesamy_async"
FOLDERS = ("benchmarks", "docs", "examples", "scripts", "tests", PACKAGE)
FILES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "SECURITY.md",
    "noxfile.py",
    "pyproject.toml",
)
LEFTOVERS = ("__pycache__", ".pyc", ".env", ".pem", ".key", ".jsonl.journal")


def main(directory: Path) -> int:
    """Print all that is wrong with what is in the directory."""
    [wheel] = directory.glob("*.whl")
    [sdist] = directory.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        wrong = [f"wheel: {each}" for each in in_wheel(archive.namelist())]
    with tarfile.open(sdist) as archive:
        names = [each.partition("/")[2] for each in archive.getnames()]
        wrong += [f"sdist: {each}" for each in in_sdist(names)]
    print("\n".join(wrong) or f"{wheel.name} and {sdist.name} are whole")
    return bool(wrong)


def in_wheel(names: Iterable[str]) -> list[str]:
    """Say what is wrong with a wheel: the package, all of it, and no more."""
    held = set(names)
    foreign = [
        name
        for name in held
        if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))
    ]
    needed = _sources(PACKAGE) | {f"{PACKAGE}/py.typed"}
    endings = (".dist-info/licenses/LICENSE", ".dist-info/entry_points.txt")
    absent = [
        ending
        for ending in endings
        if not any(name.endswith(ending) for name in held)
    ]
    return _told(held, needed, [*absent], foreign)


def in_sdist(names: Iterable[str]) -> list[str]:
    """Say what is wrong with an sdist: it builds, tests and explains."""
    held = set(names)
    needed = {*FILES, f"{PACKAGE}/py.typed"}
    for folder in FOLDERS:
        needed |= _sources(folder)
    known = {*FOLDERS, *FILES, ".gitignore", ""}
    foreign = [name for name in held if name.split("/")[0] not in known]
    return _told(held, needed, [], foreign)


def _sources(folder: str) -> set[str]:
    """Return the sources in a folder of ours, as the archives name them."""
    kinds = {".py", ".md", ".json", ".jsonl"}
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds
    }


def _told(
    held: set[str], needed: set[str], absent: list[str], foreign: list[str]
) -> list[str]:
    left = [name for name in held if any(each in name for each in LEFTOVERS)]
    return [
        *(f"lacks {name}" for name in sorted([*absent, *(needed - held)])),
        *(f"should not hold {name}" for name in sorted({*foreign, *left})),
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
