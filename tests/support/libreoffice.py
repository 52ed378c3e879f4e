"""A real spreadsheet program, in which somebody types, and saves.

Debian has it as ``libreoffice-calc``.  It runs a macro of its own in a
profile of its own; the test says why it is skipped where there is none.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

import attrs


OFFICE = shutil.which("soffice")
_PATIENCE = 50.0
_SPACE = "http://openoffice.org"
_FILTERS = {
    ".xlsx": "Calc MS Excel 2007 XML",
    ".ods": "calc8",
    ".xls": "MS Excel 97",
    ".csv": "Text - txt - csv (StarCalc)",
}
# Semicolons, quotation marks where needed, cp1252, all as it is shown.
_CSV = "59,34,1,1,,0,false,true,false"
_PROFILE = {
    "registrymodifications.xcu": (
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item '
        'oor:path="/org.openoffice.Setup/L10N"><prop oor:name='
        '"ooSetupSystemLocale" oor:op="fuse"><value>sv-SE</value></prop>'
        "</item>"
        # Or it begins with a library of its own.
        '<item oor:path="/org.openoffice.Setup/Office"><prop oor:name='
        '"ooSetupInstCompleted" oor:op="fuse"><value>true</value></prop>'
        "</item></oor:items>"
    ),
    "basic/script.xlc": (
        f'<l:libraries xmlns:l="{_SPACE}/2000/library" xmlns:xlink='
        '"http://www.w3.org/1999/xlink"><l:library l:name="Standard" '
        'xlink:href="$(USER)/basic/Standard/script.xlb/" '
        'xlink:type="simple" l:link="false"/></l:libraries>'
    ),
    "basic/Standard/script.xlb": (
        f'<l:library xmlns:l="{_SPACE}/2000/library" l:name="Standard" '
        'l:readonly="false" l:passwordprotected="false">'
        '<l:element l:name="Typing"/></l:library>'
    ),
}
_BASIC = """
Dim book

Function Pair(title, value)
  Dim one As New com.sun.star.beans.PropertyValue
  one.Name = title
  one.Value = value
  Pair = one
End Function

Sub Does(command, title, value)
  Dim dispatcher
  dispatcher = createUnoService("com.sun.star.frame.DispatchHelper")
  dispatcher.executeDispatch(book.CurrentController.Frame, _
    ".uno:" & command, "", 0, Array(Pair(title, value)))
End Sub

Sub Opens(url, filter, options)
  book = StarDesktop.loadComponentFromURL(url, "_blank", 0, _
    Array(Pair("FilterName", filter), Pair("FilterOptions", options)))
End Sub

Sub Types(place, text)
  Does("GoToCell", "ToPoint", place)
  Does("EnterString", "StringName", text)
End Sub

Sub Removes(row, count)
  book.Sheets.getByIndex(0).Rows.removeByIndex(row - 1, count)
End Sub

Sub Saves(url, filter, options)
  book.storeToURL(url, _
    Array(Pair("FilterName", filter), Pair("FilterOptions", options)))
End Sub

Sub Main
"""


@attrs.define
class Typist:
    """What somebody does, in order; `work` does it."""

    _steps: list[str] = attrs.field(factory=list[str])

    def _does(self, what: str, *arguments: str | int) -> None:
        said = (
            str(it) if isinstance(it, int) else f'"{it.replace(*_QUOTE)}"'
            for it in arguments
        )
        self._steps.append(f"  {what}({', '.join(said)})")

    def opens(self, path: Path | None = None) -> None:
        """Open a file, or a new one."""
        if path is None:
            self._does("Opens", "private:factory/scalc", "", "")
        else:
            kind = path.suffix
            options = _CSV.replace(",1,1,", ",76,1,") if kind == ".csv" else ""
            self._does("Opens", path.as_uri(), _FILTERS[kind], options)

    def types(self, cells: Mapping[str, str]) -> None:
        """Type into cells of the first sheet, by their places."""
        for place, text in cells.items():
            self._does("Types", place, text)

    def removes(self, row: int, count: int) -> None:
        """Remove rows."""
        self._does("Removes", row, count)

    def saves(self, path: Path, *kinds: str) -> None:
        """Save it as files of these kinds, and close it."""
        for kind in kinds:
            to = path.with_suffix(kind)
            options = _CSV if kind == ".csv" else ""
            self._does("Saves", to.as_uri(), _FILTERS[kind], options)
        self._steps.append("  book.close(True)")

    def work(self, profile: Path) -> None:
        """Let LibreOffice do it, with a new profile."""
        code = "\n".join([_BASIC, *self._steps, _END])
        module = (
            f'<s:module xmlns:s="{_SPACE}/2000/script" s:name="Typing" '
            f's:language="StarBasic">{escape(code)}</s:module>'
        )
        files = {**_PROFILE, "basic/Standard/Typing.xba": module}
        for name, text in files.items():
            path = profile / "user" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                f'<?xml version="1.0" encoding="UTF-8"?>{text}', "utf-8"
            )
        assert OFFICE is not None
        process = subprocess.Popen(  # noqa: S603 - ours
            [
                *(OFFICE, "--headless", "--norestore", "--nologo"),
                f"-env:UserInstallation={profile.as_uri()}",
                "macro:///Standard.Typing.Main",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(_PATIENCE)
        finally:
            # It is a script that starts others.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


_QUOTE = ('"', '""')
_END = "  StarDesktop.terminate()\nEnd Sub"
