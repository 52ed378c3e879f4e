"""The page of a served sandbox, without a browser.

`test_page_in_browser.py` clicks through it in a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import attrs
import httpx
import pytest

from sesamy_async.sandbox import (
    EVENT_TYPES,
    Fault,
    FaultKind,
    Limit,
    Sandbox,
    SandboxConfig,
    Webhook,
)
from support.patience import until
from support.ports import closed_port
from support.sandbox_caller import CONFIRM, CREATE, order
from support.served_sandbox import served


FORM = "/_sandbox/page"
PERSONAL = ("ada@", "ada l", "example.com", "0701", "storgatan")


@attrs.define
class Page:
    """The page of a sandbox, and a client with a token."""

    sandbox: Sandbox
    client: httpx.Client

    @property
    def origin(self) -> str:
        """Where it is served."""
        return str(self.client.base_url).rstrip("/")

    def html(self) -> str:
        """Get the page."""
        answer = self.client.get("/")

        assert answer.status_code == 200
        return answer.text

    def part(self, name: str) -> str:
        """Return the text in an element of the page."""
        return part(self.html(), name)

    def send(self, do: str = "", **fields: Any) -> httpx.Response:
        """Send one of its forms, as a browser does."""
        return self.client.post(
            FORM,
            data={"do": do, **fields},
            headers={"Origin": self.origin, "Sec-Fetch-Site": "same-origin"},
        )

    def create(self, *args: Any, **more: Any) -> str:
        """Create a contract, and return its id."""
        query = more.pop("query", "")
        answer = self.client.post(
            f"{CREATE}?{query}", json=order(*args, **more)
        )
        made: str = answer.json()["id"]
        return made


def part(html: str, name: str) -> str:
    """Return the text in an element of a page."""
    found = re.search(
        rf'<(\w+) [^>]*id="{name}"[^>]*>(.*?)</\1>', html, re.DOTALL
    )
    assert found is not None
    return " ".join(unescape(re.sub("<[^>]*>", " ", found[2])).split())


@pytest.fixture
def page() -> Iterator[Page]:
    """Return the page of a sandbox, whose rate limit nothing refills."""
    sandbox = Sandbox(clock=lambda: 0.0)
    with served(sandbox) as client:
        yield Page(sandbox, client)


def test_nothing_yet(page: Page) -> None:
    """Before the first order, it says what to do."""
    page.sandbox.reset()
    html = page.html()

    assert "No calls yet. Paste the variables" in part(html, "call-rows")
    assert "No orders yet." == part(html, "order-rows")
    assert "No events yet." == part(html, "webhook-rows")
    assert "To come: none." == part(html, "pending")
    assert "0 valid tokens" == part(html, "tokens")
    assert f"export SESAMY_BASE_URL={page.origin}\n" in html
    assert "export SESAMY_CLIENT_SECRET=sandbox-secret" in html


def test_calls(page: Page) -> None:
    """Each call shows its answer, and the names of what was sent."""
    page.create(query="confirm=1")
    page.client.post(CREATE, json={"externalOrderId": "A-2"})
    page.sandbox.faults.add("drop-after", on="create")
    with pytest.raises(httpx.TransportError):
        page.create("A-3")
    page.sandbox.faults.add("html:502", on="create")
    page.client.post(CREATE, json={})
    page.sandbox.faults.add("status:503", on="create")
    page.client.post(CREATE, json={})
    rows = re.sub(r"\d\d:\d\d:\d\d", "at", page.part("call-rows"))
    fields = "externalOrderId, paymentProvider, paymentMethod, quantity, "
    fields += "userData.email, userData.fullName"

    assert [
        "create 503 A fault of the sandbox. SPRING-12 status:503",
        "create 502 SPRING-12 html:502",
        f"create none A-3 SPRING-12 drop-after {fields}",
        "create 400 userData.email is required. A-2 SPRING-12 externalOrderId",
        f"create + confirm 200 A-1 SPRING-12 {fields}",
        "token 200 client_id, client_secret, grant_type",
    ] == [each.strip() for each in rows.split("at ")[1:]]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"grant_type": "x"}, "400"),
        ({"client_id": "x", "grant_type": "x"}, "client_secret is required"),
        (
            {
                "client_id": "sandbox-client",
                "client_secret": "sandbox-secret",
                "grant_type": "x",
            },
            "Grant type not allowed",
        ),
        ({"grant_type": 5}, '"Expected string"'),
    ],
)
def test_refused_token(page: Page, body: Any, reason: str) -> None:
    """A refused token request says why, in each form of Sesamy's errors."""
    page.client.post("/oauth/token", json=body)
    row, _, _ = page.part("call-rows").partition(" client_id")

    assert reason in row


def test_orders(page: Page) -> None:
    """An order with access twice, or with two invoices, stands out."""
    page.create("A-1")
    page.create("A-2", query="confirm=1")
    for _ in range(2):
        page.create("A-3", query="confirm=1")
    for _ in range(3):
        page.create("A-4", query="confirm=1")
    for _ in range(2):
        page.create("A-5", paymentMethod="INVOICE")
    contract_id = page.create("A-6")
    page.client.post(f"{CONFIRM}/{contract_id}", json={})
    page.create("A-6")
    html = page.html()
    ids = {
        order: " ".join(
            f"{each.id[:8]}{' ✓' if each.confirmed else ''}"
            for each in page.sandbox.ledger.contracts(order)
        )
        for order in page.sandbox.ledger.orders
    }
    rows = part(html, "order-rows")

    assert rows == " ".join(
        [
            f"A-6 access; 1 extra contract {ids['A-6']} SPRING-12 0",
            f"A-5 no access yet; 1 extra contract {ids['A-5']} SPRING-12 2",
            f"A-4 access 3 times {ids['A-4']} SPRING-12 0",
            f"A-3 access twice {ids['A-3']} SPRING-12 0",
            f"A-2 access {ids['A-2']} SPRING-12 0",
            f"A-1 no access yet {ids['A-1']} SPRING-12 0",
        ]
    )
    assert ["A-5", "A-4", "A-3"] == re.findall(
        '<tr class="alarm"><td><code class="nowrap">(.*?)<', html
    )
    assert (
        "orders 6 with access 4 with access twice 2 unconfirmed contracts 4"
        in part(html, "counts")
    )


def test_nothing_personal_and_no_markup(page: Page) -> None:
    """Values of an order are not shown, and what is shown is escaped."""
    page.client.post(
        "/oauth/token", data={"client_id": "<b>", "<b>": "Ada", "grant": "s3c"}
    )
    page.create(
        "<script>alert(1)</script>&amp;",
        userData={
            "email": "ada@example.com",
            "phone": "0701",
            "address": {"street": "Storgatan"},
            "extraData": {"ada@example.com": 1},
            "<img src=x>": 1,
        },
    )
    page.create("x" * 5000)
    html = page.html()

    assert [] == [each for each in PERSONAL if each in html.lower()]
    assert "s3c" not in html
    assert "<b>" not in html
    assert "<img" not in html
    assert ["script"] == re.findall(r"<(script)\b", html)
    assert "<script>alert(1)</script>&amp;" in page.part("order-rows")
    assert "x" * 81 not in html


def test_every_kind_of_fault_is_offered(page: Page) -> None:
    """Every kind of fault can be chosen, and is queued as it is offered."""
    choices = re.search(
        r'<select name="fault">(.*?)</select>', page.html(), re.DOTALL
    )
    assert choices is not None
    faults = re.findall('value="(.*?)"', choices[1])
    for fault in faults:
        assert page.send("fault", fault=fault, on="any", times=1).is_redirect

    assert {*FaultKind} == {it.kind for it in page.sandbox.faults.pending}
    assert [Fault.parse(each) for each in faults] == [
        *page.sandbox.faults.pending
    ]


def test_faults(page: Page) -> None:
    """A fault strikes as often and where it is asked to; it can be removed."""
    answer = page.send(
        "fault", fault="html:502+applied", number=" 504 ", on="create", times=2
    )
    page.send("fault", fault="wait:7", number="3", on="any", times="1")
    pending = page.part("pending")
    struck = page.client.post(CREATE, json=order()).status_code
    page.send("clear")

    assert (303, "/#faults") == (
        answer.status_code,
        answer.headers["location"],
    )
    assert (
        "To come: html:504+applied@create , 2 times; wait:3 , 1 time."
        == pending
    )
    assert 504 == struck
    assert () == page.sandbox.faults.pending


@pytest.mark.parametrize(
    ("do", "fields", "said"),
    [
        (
            "fault",
            {"fault": "boom", "on": "any", "times": 1},
            "must be one of",
        ),
        (
            "fault",
            {"fault": "half", "on": "<b>", "times": 1},
            "no operation '<b>'",
        ),
        ("fault", {"fault": "half", "on": "any", "times": 0}, "1 to 999"),
        ("fault", {"fault": "half", "on": "any", "times": "²"}, "1 to 999"),
        (
            "fault",
            {"fault": "half", "number": 5, "on": "any", "times": 1},
            "half takes no number",
        ),
        (
            "fault",
            {"fault": "status:503", "number": 5, "on": "any", "times": 1},
            "200 to 599",
        ),
        ("fault", {}, "incomplete"),
        ("explode", {}, "incomplete"),
        ("event", {"event": "x", "contract": "x"}, "no such contract"),
        ("again", {"number": 7}, "no longer has"),
    ],
)
def test_wrong_forms(
    page: Page, do: str, fields: dict[str, Any], said: str
) -> None:
    """What can't be done is said on the page, and nothing is done."""
    answer = page.send(do, **fields)

    assert 400 == answer.status_code
    assert said in part(answer.text, "notice")
    assert "<b>" not in answer.text
    assert () == page.sandbox.faults.pending


def test_tokens_rate_limit_and_reset(page: Page) -> None:
    """Tokens can be revoked, the rate limit used up, and all be reset."""
    page.create()
    before = page.part("tokens"), page.part("rate")
    page.send("rate")
    limited = page.client.post(CREATE, json=order()).status_code
    page.send("revoke")
    after = page.part("tokens"), page.part("rate").partition(";")[0]
    page.send("reset")

    assert (
        "1 valid token",
        "499 requests free of 500; 300 more per minute",
    ) == before
    assert ("0 valid tokens", "0 requests free of 500") == after
    assert 429 == limited
    assert (0, 500) == (page.sandbox.ledger.total, page.sandbox.free_requests)


def test_settings_are_shown() -> None:
    """Faults by chance and a missing rate limit are told."""
    config = SandboxConfig(
        rate_limit=None,
        fault_rates={"status:503": 0.01, "empty@create": 0.025},
        vendors=Sandbox().config.vendors,
    )
    with served(Sandbox(config)) as client:
        page = Page(Sandbox(config), client)
        html = page.html()

    assert "There is no rate limit." == part(html, "rate")
    assert "any" == part(html, "counts").rpartition(" ")[2]
    assert part(html, "pending").endswith(
        "By chance: status:503 1.000%, empty@create 2.500%."
    )


def test_events_that_are_not_sent(page: Page) -> None:
    """Without a webhook it says how to have one, and shows the events."""
    contract_id = page.create()
    answer = page.send("event", event=EVENT_TYPES[3], contract=contract_id)
    html = page.html()
    rows = re.sub(r"\d\d:\d\d:\d\d", "at", part(html, "webhook-rows"))

    assert "/#webhooks" == answer.headers["location"]
    assert "sesamy sandbox --webhook URL" in html
    assert (
        f"at contract.1#update {contract_id[:8]} not sent "
        "at userVendor.1#new not sent" == rows
    )
    assert f'<option value="{contract_id}">A-1: {contract_id[:8]}<' in html


def test_events_that_are_sent() -> None:
    """With a webhook it shows what came of each event; any is sent again."""
    with closed_port() as port:
        webhook = Webhook(
            url=f"http://127.0.0.1:{port}/hook?key=s3cret",
            authorization="hush",
            retries=1,
            backoff=0.0,
        )
        sandbox = Sandbox(SandboxConfig(webhook=webhook))
        with served(sandbox) as client:
            page = Page(sandbox, client)
            page.create()
            until(lambda: "lost" in page.part("webhook-rows"))
            page.send("again", number=1)
            page.send("again", number=2)
            until(lambda: page.part("webhook-rows").count("lost") == 3)
            html = page.html()
    rows = re.sub(r"\d\d:\d\d:\d\d", "at", part(html, "webhook-rows"))
    row = "at userVendor.1#new lost none, none Send again"

    assert f"{row} {row} {row}" == rows
    assert f"<code>http://127.0.0.1:{port}/hook</code>, with an Auth" in html
    assert "s3cret" not in html
    assert "hush" not in html
    assert 1 == len(sandbox.ledger.events)


def test_a_webhook_without_authorization() -> None:
    """It says so, since a receiver should ask for one."""
    webhook = Webhook(url="http://127.0.0.1:1/hook")
    sandbox = Sandbox(SandboxConfig(webhook=webhook))
    with served(sandbox) as client:
        html = Page(sandbox, client).html()

    assert "without an Authorization" in html


def test_what_a_browser_may_do_with_it(page: Page) -> None:
    """Nothing but its own script runs, and no other page can frame it."""
    answers = [
        page.client.get("/"),
        page.client.head("/"),
        page.client.get("/_sandbox/page.css"),
        page.client.get("/_sandbox/page.js"),
        page.send("clear"),
        page.send("explode"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]

        assert "default-src 'none'; script-src 'self'; style" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "DENY" == answer.headers["x-frame-options"]
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "same-origin" == answer.headers["cross-origin-resource-policy"]
    html = answers[0].text

    assert [] == re.findall(r"\son\w+=|\sstyle=|<style", html)
    assert ["text/css", "text/javascript"] == [
        each.headers["content-type"].partition(";")[0] for each in answers[2:4]
    ]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        # The site's own name may lead here (DNS rebinding).
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        # Nothing proves that it comes from the page.
        ({}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}, 415),
        (
            {
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/json",
            },
            415,
        ),
        (
            {
                "Sec-Fetch-Site": "same-origin",
                "Origin": "https://evil.example",
            },
            403,
        ),
    ],
)
def test_only_the_page_sends_its_forms(
    page: Page, headers: dict[str, str], status: int
) -> None:
    """Forms of other pages are refused, and do nothing."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    page.create()
    answer = page.client.post(
        FORM, content=b"do=reset", headers=kind | headers
    )

    assert status == answer.status_code
    assert (0 if status == 303 else 1) == page.sandbox.ledger.total


@pytest.mark.parametrize(
    "path", ["/", "/_sandbox/page.js", "/_sandbox/ledger"]
)
def test_another_name_of_this_machine(page: Page, path: str) -> None:
    """A page whose own name leads here (DNS rebinding) can't read it."""
    answer = page.client.get(path, headers={"Host": "evil.example"})

    assert 403 == answer.status_code
    assert "SESAMY" not in answer.text


def test_other_requests(page: Page) -> None:
    """Few pages exist, and each has its own methods."""
    answers = [
        page.client.get("/_sandbox/page.html"),
        page.client.post("/", json={}),
        page.client.post("/_sandbox/page.js", json={}),
        page.client.get("/_sandbox/page"),
    ]

    assert [(404, None), *[(405, "GET, HEAD")] * 2, (405, "POST")] == [
        (each.status_code, each.headers.get("Allow")) for each in answers
    ]


def test_many_orders() -> None:
    """Of many only the last ones are shown; the counts are of all."""
    sandbox = Sandbox(
        SandboxConfig(rate_limit=Limit(requests_per_minute=1, burst=60))
    )
    with served(sandbox) as client:
        page = Page(sandbox, client)
        for number in range(60):
            page.create(f"A-{number}")
        html = page.html()

    assert "orders 60 " in part(html, "counts")
    assert 50 == part(html, "order-rows").count("no access yet")
    assert 50 == part(html, "call-rows").count("create")
    assert "A-9 " not in part(html, "order-rows")
