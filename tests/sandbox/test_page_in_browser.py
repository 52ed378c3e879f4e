"""The page of a served sandbox, in a real browser, where there is one.

No line of the package is covered by these tests alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx
import pytest

from sesamy_async.sandbox import Sandbox
from support.browser import BROWSER, DRIVER, Browser, browsing
from support.patience import until
from support.sandbox_caller import CREATE, order
from support.served_sandbox import served


pytestmark = [
    pytest.mark.skipif(
        DRIVER is None or BROWSER is None,
        reason="chromium and its driver are not installed: none is tried",
    ),
    pytest.mark.slow,
]
FORM = "/_sandbox/page"
# Text of 4.5 to 1 (WCAG 2.2, 1.4.3), over what is behind it.
CONTRASTS = """
const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((each) => {
  const share = each / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}).reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  const none = colour === "rgba(0, 0, 0, 0)";
  return none ? ground(element.parentElement) : colour;
};
const poor = [];
for (const element of document.querySelectorAll("body *")) {
  if (![...element.childNodes].some(
      (each) => each.nodeType === 3 && each.textContent.trim())) continue;
  const [one, other] = [light(getComputedStyle(element).color),
                        light(ground(element))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (other + 0.05);
  if (ratio < 4.5) poor.push(`${element.outerHTML.slice(0, 80)} ${ratio}`);
}
return poor;
"""
UNLABELLED = """
return [...document.querySelectorAll("input:not([type=hidden]), select")]
  .filter((each) => !each.labels.length).map((each) => each.outerHTML);
"""


@attrs.frozen
class Seen:
    """A page in a browser, and a client with a token."""

    browser: Browser
    sandbox: Sandbox
    client: httpx.Client

    def create(self, order_id: str = "A-1", query: str = "") -> None:
        """Create a contract."""
        answer = self.client.post(f"{CREATE}?{query}", json=order(order_id))

        assert answer.status_code == 200

    def shows(self, selector: str, text: str) -> None:
        """Wait until an element has a text; the page is not reloaded."""
        until(lambda: text in self.browser.text(selector))

        assert self.browser.run("return window.mark") == "kept"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser: one for all, since it takes seconds to start."""
    with browsing(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def seen(browser: Browser) -> Iterator[Seen]:
    """Return the page of a sandbox in a browser."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        browser.open(str(client.base_url))
        browser.run("window.mark = 'kept'")
        yield Seen(browser, sandbox, client)


def test_click_through(seen: Seen) -> None:
    """Calls appear by themselves, and each button does what it says."""
    browser = seen.browser
    seen.create("A-1")
    seen.shows("#call-rows", "create 200 A-1 SPRING-12")

    browser.type("select[name=fault]", "Error status 503; not")
    browser.type("input[name=number]", "504")
    browser.type("select[name=on]", "create")
    browser.click("#do-fault")
    seen.shows("#notice", "Done: Add fault.")
    seen.shows("#pending", "To come: status:504@create, 1 time.")
    broken = seen.client.post(CREATE, json=order("A-2"))
    seen.shows("#call-rows", "504")
    seen.shows("#pending", "To come: none.")

    for _ in range(2):
        seen.create("A-3", "confirm=1")
    seen.shows("#order-rows", "A-3 access twice")
    alarms = browser.run(
        "return [...document.querySelectorAll('tr.alarm td:first-child')]"
        ".map((each) => each.innerText)"
    )

    browser.type("input[name=number]", "999")
    browser.click("#do-fault")
    seen.shows("#notice", "must be a whole number from 200 to 599")
    browser.click("#do-event")
    seen.shows("#webhook-rows", "not sent")
    browser.click("#do-revoke")
    seen.shows("#tokens", "0 valid tokens")
    browser.click("#do-rate")
    seen.shows("#rate", "0 requests free")
    browser.click("#do-reset")
    seen.shows("#order-rows", "No orders yet.")

    assert 504 == broken.status_code
    assert ["A-3"] == alarms
    assert 0 == seen.sandbox.ledger.total


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(seen: Seen, scheme: str) -> None:
    """All text can be read in both colour schemes, and all fields have names.

    A narrow window needs no scrolling sideways.
    """
    browser = seen.browser
    browser.emulate(
        "setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    for _ in range(2):
        seen.create("A-3", "confirm=1")
    seen.create("A-4" * 30)
    seen.sandbox.faults.add("status:503", on="create")
    seen.client.post(CREATE, json=order("A-5"))
    seen.client.post(CREATE, json={})
    seen.shows("#call-rows", "503")
    dark = browser.run("return matchMedia('(prefers-color-scheme: dark)')")
    poor, unlabelled = browser.run(CONTRASTS), browser.run(UNLABELLED)
    browser.resize(500, 900)
    wider = browser.run(
        "return document.documentElement.scrollWidth - innerWidth"
    )

    assert (scheme == "dark") == dark["matches"]
    assert ([], []) == (poor, unlabelled)
    assert wider <= 0


def test_the_sandbox_ends(browser: Browser) -> None:
    """When the sandbox is gone, the page says that it is old."""
    with served(Sandbox()) as client:
        browser.open(str(client.base_url))
    until(lambda: "does not respond" in browser.text("#notice"))


def test_without_javascript(browser: Browser) -> None:
    """The forms work without JavaScript; the page comes again."""
    sandbox = Sandbox()
    browser.emulate("setScriptExecutionDisabled", value=True)
    try:
        with served(sandbox) as client:
            browser.open(str(client.base_url))
            browser.click("#do-fault")
            until(lambda: sandbox.faults.pending)
            browser.click("#do-clear")
            until(lambda: not sandbox.faults.pending)
    finally:
        browser.emulate("setScriptExecutionDisabled", value=False)


def test_other_pages_can_do_nothing(browser: Browser, tmp_path: Path) -> None:
    """A browser lets no page of another origin show it or send its forms."""
    sandbox = Sandbox()
    page = tmp_path / "evil.html"
    with served(sandbox) as client:
        client.post(CREATE, json=order())
        page.write_text(
            f"<iframe src='{client.base_url}'></iframe>"
            f"<form method=post action='{client.base_url.join(FORM)}'>"
            "<button name=do value=reset>Win a prize</button></form>"
        )
        browser.open(page.as_uri())
        browser("frame", id=0)
        framed = browser.run("return location.href")
        browser("frame", id=None)
        browser.click("button")
        until(lambda: "must not do this" in browser.text("body"))

    assert "chrome-error://chromewebdata/" == framed
    assert 1 == sandbox.ledger.total
