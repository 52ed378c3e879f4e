"""What the system refuses becomes a sentence, and no traceback."""

from __future__ import annotations

from errno import EIO
from pathlib import Path

import pytest

from support.command_line import IMPORT, CommandLine, orders_file


LONG = f"{'a' * 241}.csv"
ENDLESS = "a" * 300


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a file of orders, one with a long name, and a folder."""
    monkeypatch.chdir(tmp_path)
    orders_file()
    orders_file(Path(LONG))
    Path("folder").mkdir()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((LONG,), 2, "its name is too long; shorten it by 17 letters. "),
        ((LONG[1:],), 2, "its name is too long; shorten it by 16 letters. "),
        ((f"{ENDLESS}.csv",), 2, ""),
        (("orders.csv", "--journal", ENDLESS), 2, "its name is too long"),
        (("orders.csv", "--report", ENDLESS), 2, "its name is too long"),
        (("orders.csv", "--mapping", ENDLESS), 2, ""),
        (("orders.csv", "--journal", "no/x"), 2, "there is no folder no. "),
        (("orders.csv", "--journal", "folder"), 2, "a folder of that name"),
    ],
)
def test_import(
    sesamy: CommandLine, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing is sent where the import could not write what it has to."""
    if arguments[0] == LONG[1:]:
        Path(LONG).rename(LONG[1:])
    ran = sesamy("import", *arguments, *IMPORT[2:], "--sandbox")

    assert (code, "") == (ran.code, ran.out)
    assert said in ran.err
    assert ran.err.endswith("Nothing was sent.\n")
    assert "Outcome" not in ran.err


def test_closed_folder(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in which the user may not look is named."""
    monkeypatch.setattr("sesamy_async._files.os.access", lambda *_: False)
    ran = sesamy(*IMPORT, "--sandbox", "--journal", "folder/x.journal")

    assert 2 == ran.code
    assert "you may not use the folder folder. " in ran.err


@pytest.mark.parametrize("command", ["show", "purge"])
def test_journal(sesamy: CommandLine, command: str) -> None:
    """The commands of a journal say so, too."""
    ran = sesamy("journal", command, f"{ENDLESS}.csv")

    assert 1 == ran.code
    assert ran.err.startswith("Error: ")


def test_template(sesamy: CommandLine) -> None:
    """No command ends in a traceback because of a long name."""
    ran = sesamy("import", f"{ENDLESS}.csv", "--template")

    assert 2 == ran.code
    assert "Nothing was sent." in ran.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(EIO, "Input/output error", "a.csv"), "a.csv: Input/output"),
        (OSError(), "a file: OSError"),
    ],
)
def test_any_other(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    said: str,
) -> None:
    """Where nobody has caught an error, the journal knows what was sent."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("sesamy_async._cli.journals.find_journal", fail)
    ran = sesamy("journal", "show", "orders.csv")

    assert 4 == ran.code
    assert said in ran.err
    assert "sends nothing twice" in ran.err
