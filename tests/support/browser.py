"""A real browser, steered as the W3C's WebDriver protocol says.

Debian has both as ``chromium`` and ``chromium-driver``.  A few commands over
httpx are enough; the test says why it is skipped where there is no browser.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx


DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
_PATIENCE = 60.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


@attrs.frozen
class Browser:
    """A window of a browser."""

    session: httpx.Client

    def __call__(self, command: str, **parameters: Any) -> Any:
        """Send a command, and return its value."""
        answer = self.session.post(command, json=parameters)
        value = answer.json()["value"]

        assert answer.status_code == 200, value
        return value

    def open(self, url: str) -> None:
        """Load a page."""
        self("url", url=url)

    def run(self, script: str) -> Any:
        """Return what the body of a function returns in the page."""
        return self("execute/sync", script=script, args=[])

    def emulate(self, what: str, **how: Any) -> None:
        """Change what the page sees of its user's settings."""
        self("goog/cdp/execute", cmd=f"Emulation.{what}", params=how)

    def text(self, selector: str) -> str:
        """Return what is to be read in an element."""
        found: str = self.run(
            f"return document.querySelector({selector!r}).innerText"
        )
        return " ".join(found.split())

    def _element(self, selector: str) -> str:
        found = self("element", using="css selector", value=selector)
        return f"element/{found[_ELEMENT]}"

    def click(self, selector: str) -> None:
        """Click on an element, as a person does."""
        self(f"{self._element(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        """Type into a field or choose an option, with the keyboard."""
        self(f"{self._element(selector)}/value", text=text)

    def resize(self, width: int, height: int) -> None:
        """Change the size of the window, in pixels."""
        self("window/rect", width=width, height=height)

    def picture(self, path: Path) -> None:
        """Save what the window shows."""
        found = self.session.get("screenshot").json()["value"]
        path.write_bytes(b64decode(found))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Start a browser whose profile is in a folder, and end it."""
    assert DRIVER is not None
    options = {
        "binary": BROWSER,
        "args": [
            "--headless=new",
            "--no-sandbox",  # It can't have one of its own in a container.
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder}",
        ],
    }
    with subprocess.Popen(  # noqa: S603 - found on this machine
        [DRIVER, "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as driver:
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{_port(driver)}",
                timeout=_PATIENCE,
                trust_env=False,
            ) as client:
                answer = client.post(
                    "session",
                    json={
                        "capabilities": {
                            "alwaysMatch": {"goog:chromeOptions": options}
                        }
                    },
                )
                assert answer.status_code == 200, answer.text
                session = answer.json()["value"]["sessionId"]
                end = client.base_url.join(f"session/{session}")
                client.base_url = client.base_url.join(f"session/{session}/")
                try:
                    yield Browser(client)
                finally:
                    # Without a slash at its end, which the driver minds.
                    assert client.delete(end).status_code == 200
        finally:
            # The browser too, if the session has not been ended.
            os.killpg(driver.pid, signal.SIGKILL)


def _port(driver: subprocess.Popen[str]) -> str:
    """Read where the driver listens."""
    end = time.monotonic() + _PATIENCE
    assert driver.stdout is not None
    for line in driver.stdout:
        _, said, port = line.partition("started successfully on port ")
        if said:
            return port.strip().rstrip(".")
        assert time.monotonic() < end
    raise AssertionError("The driver of the browser did not start.")
