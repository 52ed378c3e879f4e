"""Say which mutants the tests did not kill: ``python scripts/mutants.py``.

Reads what ``mutmut run`` left behind.  A survivor is only accepted where
docs/reliability.md shows it and says why, as a row of its table of survivors:
``| `file` | `line` → `mutated line` | reason |``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
# What mutmut writes down where a test failed, or ran for ever.
KILLED = {1, 3, 36, 24, -24, 152, 255}
# What only a type checker reads.
TYPE = re.compile(r'(?<=\bcast\()(?:None|"[^"]*")')
# What has no case: the names of headers and of encodings, and SQL.
CASELESS = re.compile(
    r'(?:\bheaders\.get\(|code\(|\bencoding=)"[-\w]+"'
    r'|"\(?(?:SELECT|GROUP BY|INSERT INTO|UPDATE|DELETE FROM|PRAGMA) [^"]*"'
    r'|"(?:BEGIN(?: IMMEDIATE)?|COMMIT|ROLLBACK)"',
    re.IGNORECASE,
)


def main() -> int:
    """Print a row for each file, and each survivor without a reason.

    Returns:
        The exit code: 1 where there is such a survivor.
    """
    page = PAGE.read_text(encoding="utf-8")
    survivors: list[str] = []
    print("| file | mutants | killed | survived |\n| --- | --- | --- | --- |")
    for path, codes in _results():
        alive = [_lines(name) for name in codes if codes[name] not in KILLED]
        changes = [_shown(*each) for each in alive if differ(*each)]
        mutants = len(codes) - len(alive) + len(changes)
        killed = mutants - len(changes)
        share = f"{100 * killed / mutants:.1f} %"
        print(f"| `{path}` | {mutants} | {share} | {len(changes)} |")
        survivors += [f"| `{path}` | {change} |" for change in changes]
    unknown = [each for each in survivors if each not in page]
    print("\n".join(["", *unknown]))
    return int(bool(unknown))


def _results() -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each file, and the exit codes of its mutants by name."""
    folder = ROOT / "mutants"
    for meta in sorted(folder.rglob("*.py.meta")):
        known = json.loads(meta.read_text(encoding="utf-8"))
        codes: dict[str, int] = {
            name: code
            for name, code in known["exit_code_by_key"].items()
            if code is not None  # It was not tried.
        }
        if codes:
            path = meta.relative_to(folder / "sesamy_async").as_posix()
            yield path.removesuffix(".meta"), codes


def differ(old: str, new: str) -> bool:
    """Return whether a mutant is one that a test could tell apart."""
    return _meaning(old) != _meaning(new)


def _meaning(code: str) -> str:
    return CASELESS.sub(lambda found: found[0].lower(), TYPE.sub("", code))


def _shown(old: str, new: str) -> str:
    return f"`{old}` → `{new}`".replace("|", "\\|")


def _lines(name: str) -> tuple[str, str]:
    """Return what the mutant took away, and what it put there."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    old, new = (
        " ".join(
            line[1:].strip()
            for line in shown.splitlines()
            if line.startswith(sign) and not line.startswith(sign * 3)
        )
        for sign in "-+"
    )
    return old, new


if __name__ == "__main__":
    sys.exit(main())
