"""Make the pictures of docs/importing.md: ``python scripts/pictures.py``.

It runs the real command in a sandbox, on a terminal of 80 columns; opens its
files in LibreOffice (``soffice``) on a screen that nobody sees (``Xvfb``,
photographed by ``scrot``); and its page in Chromium.  On Debian: ``apt-get
install libreoffice-calc xvfb scrot chromium``.  It takes a minute, and is to
be run again when the words of the command change.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text


ROOT = Path(__file__).parents[1]
TO = ROOT / "docs" / "pictures"
COLUMNS = 80
# Its path is in the pictures.
HOME = Path(tempfile.gettempdir()) / "kim"
PROMO = ("--promo", "SPRING-12", "--sandbox")
ORDERS = """\
Ordernr;E-post;Namn;Mobil;Född;Postnr;Ort;Land;Betalsätt;Antal;Notering
0018;astrid@example.com ;Astrid Bergström;070-174 06 05;1981-06-19;413 04;\
Göteborg;SE;Faktura;1;
0019;bjorn@example.com;Bjørn Løvås;+47 40612345;4.11.1975;352;Oslo;NO;Kort;1;
0020;<kim@example.com>;Kim Åberg;0701740606;1990-02-28;114 55;Stockholm;SE;\
Faktura;2;ring först
0021;elsa@example,com;Elsa Ek;0701740607;;111 22;Stockholm;SE;Swish;1;
0022;aino@example.com;Aino Mäkelä;+358 40 1234567;1969-01-30;00100;\
Helsingfors;FI;Faktura;1;
0023;olle@example.com;Olle Öst;0701740608;;903 21;Umeå;SE;Faktura;två;
0024;maja@example.com;Maja Lind;0701740609;;222 23;Lund;SE;Kort;1;
"""
_TEXTS = "/".join(f"{column}/2" for column in range(1, 12))
_QUESTION = re.compile(rb"[\]:] ?$")


def main() -> None:
    """Make all pictures."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    TO.mkdir(exist_ok=True)
    (HOME / "orders.csv").write_text(ORDERS, encoding="cp1252")
    sesamy("import", "--template", "template.xlsx")
    mapping = sesamy("import", "orders.csv", "--dry-run", *PROMO, typed="y")
    asked = next(n for n, it in enumerate(mapping) if "[Y/n" in it)
    draw("mapping", "sesamy import orders.csv", mapping[: asked + 1])
    usual = ("import", "orders.csv", "--skip-invalid")
    draw(
        "dry-run",
        "sesamy import orders.csv --dry-run",
        sesamy("import", "orders.csv", "--dry-run", *PROMO),
    )
    draw(
        "first",
        "sesamy import orders.csv --first 3",
        sesamy(
            *(*usual, "--first", "3", "--report", "page.html", *PROMO),
            typed="y",
        ),
    )
    photograph("template.xlsx", TO / "template.png")
    # Reports are like their file; this one was a spreadsheet.
    shutil.copy(HOME / "orders.csv.mapping.toml", HOME / "columns.toml")
    with screen() as environment:
        office(environment, "--convert-to", "xlsx", "orders.csv")
    sesamy(
        *("import", "orders.xlsx", "--mapping", "columns.toml"),
        *("--skip-invalid", *PROMO),
    )
    photograph("orders.xlsx.rejected.xlsx", TO / "rejected.png")
    for name, size in (("page", "900,520"), ("page-phone", "500,690")):
        print_page(TO / f"{name}.png", size)


def sesamy(*arguments: str, typed: str = "") -> list[str]:
    """Run the command on a terminal; return what is to be seen there."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(HOME)
        os.environ.update(
            PYTHONPATH=str(ROOT),
            XDG_STATE_HOME=str(HOME),
            TERM="xterm-256color",
        )
        os.environ.pop("COLUMNS", None)
        command = [sys.executable, "-m", "sesamy_async", *arguments]
        os.execv(command[0], command)  # noqa: S606 - ours
    size = struct.pack("HHHH", 50, COLUMNS, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    shown = b""
    # At its end, reading is an error.
    with suppress(OSError):
        while piece := os.read(terminal, 1 << 16):
            shown += piece
            if typed and _QUESTION.search(shown):
                os.write(terminal, f"{typed}\n".encode())
                typed = ""
    os.waitpid(pid, 0)
    return seen(shown.decode())


def seen(written: str) -> list[str]:
    """Return the lines of a terminal, where a bar is drawn again and again."""
    lines, row = [""], 0
    for part in re.split(r"(\r?\n|\r|\x1b\[\??\d*[A-Zhl])", written):
        if part.endswith("\n"):
            row += 1
            lines += [""] * (row == len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part != "\r" and not part.startswith("\x1b[?"):
            lines[row] += part
    return lines


def draw(name: str, title: str, lines: Sequence[str]) -> None:
    """Draw what was on a terminal."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        console = Console(
            record=True, width=COLUMNS, file=nothing, color_system="256"
        )
        text = "\n".join(lines).strip("\n")
        console.print(Text.from_ansi(text), soft_wrap=True)
        svg = console.export_svg(title=title, unique_id=name)
    (TO / f"{name}.svg").write_text(svg, encoding="utf-8")


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """Yield an environment for programs with windows."""
    number = ":77"
    # The size keeps the pictures small.
    size = ("-screen", "0", "1000x330x24")
    process = subprocess.Popen(["Xvfb", number, *size])
    try:
        yield {**os.environ, "DISPLAY": number, "SAL_USE_VCLPLUGIN": "gen"}
    finally:
        process.terminate()
        process.wait()


def office(environment: dict[str, str], *arguments: str) -> None:
    """Run LibreOffice until it ends, or for a while."""
    process = subprocess.Popen(
        [
            *("soffice", "--norestore", "--nologo", "--nolockcheck"),
            f"-env:UserInstallation={(HOME / 'profile').as_uri()}",
            # Semicolons and cp1252; all columns are texts.
            f"--infilter=CSV:59,34,1,1,{_TEXTS}",
            *arguments,
        ],
        cwd=HOME,
        env=environment,
        start_new_session=True,
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    if process.poll() is None and "--convert-to" not in arguments:
        subprocess.run(
            ["scrot", "-o", "seen.png"],
            cwd=HOME,
            env=environment,
            check=True,
        )
    # It is a script that starts others.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def photograph(name: str, to: Path) -> None:
    """Show a file in LibreOffice, and take a picture of it."""
    with screen() as environment:
        office(environment, name)
    shutil.move(HOME / "seen.png", to)


def print_page(to: Path, size: str) -> None:
    """Take a picture of the page in a window of this size."""
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            f"--window-size={size}",
            f"--screenshot={to}",
            (HOME / "page.html").as_uri(),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
