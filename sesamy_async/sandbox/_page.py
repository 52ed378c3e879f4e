"""The page of a served sandbox, and who may use it.

It shows names of fields, never values, and works without JavaScript; with
it, the page stays up to date.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import groupby, islice
from string import Template
from urllib.parse import parse_qsl, urlsplit

from sesamy_async._settings import is_loopback
from sesamy_async._version import __version__
from sesamy_async.errors import ConfigurationError

from ._exchange import (
    OPERATIONS,
    Answer,
    SandboxRequest,
    message_answer,
    wrong_method,
)
from ._ledger import NO_ANSWER, RecordedCall, SoldContract
from ._sandbox import PREFIX, Sandbox, exports
from ._service import EVENT_TYPES


_MOST = 50  # Rows of a table.
_LONGEST = 80  # Characters of an id.
_SHORT = 24
_FORM = f"{PREFIX}page"  # Where the forms of the page go.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src data:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: the forms would have the Origin "null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STATIC = {
    f"{PREFIX}page.css": "text/css; charset=utf-8",
    f"{PREFIX}page.js": "text/javascript; charset=utf-8",
}


def refuse_foreign(request: SandboxRequest) -> Answer | None:
    """Return the refusal of a request that a web page may have caused.

    A page of any site can post to this machine if the body has a content
    type that forms have, and can read the responses if the name of its own
    site resolves to this machine (DNS rebinding).
    """
    headers = request.headers
    host = headers.get("host", "").lower()
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    # Browsers resolve all of these names to this machine.
    if not (is_loopback(name) or name.endswith(".localhost")):
        return message_answer(
            403,
            "The Host header must name this machine, such as 127.0.0.1 or "
            "localhost.",
        )
    if request.method in {"GET", "HEAD"}:
        return None
    if reason := _foreign(request.path, headers, host):
        return message_answer(403, reason)
    wanted = "application/json"
    if request.path == _FORM:
        wanted = "application/x-www-form-urlencoded"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted and (kind or request.body):
        return message_answer(415, f"Send it with Content-Type: {wanted}.")
    return None


def _foreign(path: str, headers: Mapping[str, str], host: str) -> str:
    """Return why a request that may change something is refused."""
    site = headers.get("sec-fetch-site", "none").lower()
    if site not in {"same-origin", "none"}:
        return "A page of another site must not do this."
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != host:
        return "A page of another origin must not do this."
    # A page of any site can send a form without being asked for permission;
    # a browser says where it comes from.
    if path == _FORM and origin is None and site != "same-origin":
        return "Only the page of the sandbox can do this."
    return ""


def show_page(
    sandbox: Sandbox, request: SandboxRequest, base_url: str
) -> Answer | None:
    """Respond to a request for the page, or from its forms, or to none."""
    method, path = request.method, request.path
    if path == _FORM:
        if method != "POST":
            return wrong_method("POST")
        return _act(sandbox, request, base_url)
    if path != "/" and path not in _STATIC:
        return None
    if method not in {"GET", "HEAD"}:
        return wrong_method("GET", "HEAD")
    if path == "/":
        return _html(200, render(sandbox, base_url))
    content = _read(path.removeprefix(PREFIX))
    headers = {**_HEADERS, "Content-Type": _STATIC[path]}
    return Answer(status=200, headers=headers, body=content.encode())


def _html(status: int, page: str) -> Answer:
    headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8"}
    return Answer(status=status, headers=headers, body=page.encode())


def _read(name: str) -> str:
    folder = files("sesamy_async.sandbox")
    return folder.joinpath(name).read_text("utf-8")


def _act(sandbox: Sandbox, request: SandboxRequest, base_url: str) -> Answer:
    fields = dict(parse_qsl(request.body.decode(errors="replace")))
    try:
        place, act = _ACTIONS[fields["do"]]
        act(sandbox, fields)
    except KeyError:
        problem = "The form is incomplete. Reload the page."
    except ConfigurationError as error:
        problem = str(error.args[0])
    else:
        # So that reloading the page does not do it again.
        headers = {**_HEADERS, "Location": f"/#{place}"}
        return Answer(status=303, headers=headers)
    return _html(400, render(sandbox, base_url, problem))


def _add_fault(sandbox: Sandbox, fields: Mapping[str, str]) -> None:
    fault, number = fields["fault"], fields.get("number", "").strip()
    kind, colon, rest = fault.partition(":")
    if number and not colon:
        raise ConfigurationError(f"The fault {kind} takes no number.")
    if number:
        fault = f"{kind}:{number}{'+applied' if '+' in rest else ''}"
    times = fields["times"]
    if not _TIMES.fullmatch(times):
        raise ConfigurationError("Times must be a whole number from 1 to 999.")
    sandbox.faults.add(fault, times=int(times), on=fields["on"])


def _send_again(sandbox: Sandbox, fields: Mapping[str, str]) -> None:
    for sent in sandbox.ledger.webhooks:
        if str(sent.number) == fields["number"]:
            sandbox.publish([sent.event])
            return
    raise ConfigurationError("The sandbox no longer has this event.")


_TIMES = re.compile("[1-9][0-9]{0,2}", re.ASCII)
_ACTIONS: Mapping[
    str, tuple[str, Callable[[Sandbox, Mapping[str, str]], object]]
] = {
    "fault": ("faults", _add_fault),
    "clear": ("faults", lambda sandbox, _: sandbox.faults.clear()),
    "revoke": ("control", lambda sandbox, _: sandbox.ledger.revoke_tokens()),
    "rate": ("control", lambda sandbox, _: sandbox.use_up_rate_limit()),
    "reset": ("control", lambda sandbox, _: sandbox.reset()),
    "event": (
        "webhooks",
        lambda sandbox, it: sandbox.emit(it["event"], it["contract"]),
    ),
    "again": ("webhooks", _send_again),
}
"""The section of each button, and what it does."""


def render(sandbox: Sandbox, base_url: str, notice: str = "") -> str:
    """Return the page; every value is escaped, and none is personal."""
    ledger = sandbox.ledger
    orders = ledger.last_orders(_MOST)
    return Template(_read("page.html")).substitute(
        notice=escape(notice),
        counts=_counts(sandbox),
        calls=_rows(
            map(_call, islice(reversed(ledger.calls), _MOST)),
            7,
            'No calls yet. Paste the <a href="#variables">variables</a> into '
            "a terminal, and start your program there.",
        ),
        orders=_rows(map(_order, orders), 5, "No orders yet."),
        endpoints=_options(
            (each, each) for each in ["any", *sorted(OPERATIONS)]
        ),
        pending=_pending(sandbox),
        tokens=_quantity(ledger.valid_tokens(sandbox.now), "valid token"),
        rate=_rate(sandbox),
        webhook=_webhook(sandbox),
        events=_options((each, each) for each in EVENT_TYPES),
        contracts=_options(
            (each.id, f"{_short(order_id)}: {each.id[:8]}")
            for order_id, contracts in orders
            for each in contracts
        ),
        webhooks=_rows(_webhooks(sandbox), 6, "No events yet."),
        variables=escape(exports(sandbox, base_url)),
        version=escape(__version__),
    )


def _counts(sandbox: Sandbox) -> str:
    ledger, free = sandbox.ledger, sandbox.free_requests
    access = ledger.access()
    twice = sum(access[each] for each in access if each > 1)
    confirmed = sum(each * access[each] for each in access)
    shown = {
        "orders": access.total(),
        "with access": access.total() - access[0],
        "with access twice": twice,
        "unconfirmed contracts": ledger.total - confirmed,
        "requests": ledger.requests(),
        "requests free now": "any" if free is None else free,
    }
    kinds = {"with access twice": "bad"} if twice else {}
    return "\n".join(
        _tag("div", _tag("dt", name) + _tag("dd", str(value), kinds.get(name)))
        for name, value in shown.items()
    )


def _rows(rows: Iterable[str], columns: int, nothing: str) -> str:
    return "\n".join(rows) or (
        f'<tr><td class="empty" colspan="{columns}">{nothing}</td></tr>'
    )


def _tag(name: str, html: str, kind: str | None = None) -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f"<{name}{attribute}>{html}</{name}>"


def _row(*cells: tuple[str, str], kind: str = "") -> str:
    """Return a row of a table; each cell is its class and its HTML."""
    inner = "".join(_tag("td", html, kind) for kind, html in cells)
    return _tag("tr", inner, kind)


def _call(call: RecordedCall) -> str:
    what = f"{call.endpoint}{' + confirm' if call.at_once else ''}"
    if call.status == NO_ANSWER:
        answer, kind = "none", "bad"
    else:
        answer = f"{call.status} {call.reason}"
        kind = {2: "good", 5: "bad"}.get(call.status // 100, "odd")
    return _row(
        ("nowrap", _clock(call.at)),
        ("nowrap", escape(what)),
        (kind, escape(answer)),
        ("", _id(call.external_order_id)),
        ("", _id(call.promo_code)),
        ("odd", escape(call.fault)),
        ("fields", escape(", ".join(call.fields))),
    )


def _order(order: tuple[str, tuple[SoldContract, ...]]) -> str:
    order_id, contracts = order
    access = sum(each.confirmed for each in contracts)
    invoices = sum(each.invoices for each in contracts)
    state, kind = {
        0: ("no access yet", "odd"),
        1: ("access", "good"),
        2: ("access twice", "bad"),
    }.get(access, (f"access {access} times", "bad"))
    if extra := len(contracts) - max(access, 1):
        state += f"; {_quantity(extra, 'extra contract')}"
    ids = " ".join(
        _tag("code", f"{each.id[:8]}{' ✓' * each.confirmed}", "nowrap")
        for each in contracts[:_MOST]
    )
    promos = sorted({each.promo_code for each in contracts})
    return _row(
        ("", _id(order_id)),
        (kind, state),
        ("", ids),
        ("", " ".join(map(_id, promos))),
        ("number bad" if invoices > 1 else "number", str(invoices)),
        kind="alarm" if access > 1 or invoices > 1 else "",
    )


def _pending(sandbox: Sandbox) -> str:
    groups = [
        (each, len([*same])) for each, same in groupby(sandbox.faults.planned)
    ]
    shown = "; ".join(
        f"<code>{escape(str(each))}</code>, {_quantity(times, 'time')}"
        for each, times in groups[:_MOST]
    )
    by_chance = ", ".join(
        f"<code>{escape(str(each))}</code> {each.rate:.3%}"
        for each in sandbox.faults.by_chance
    )
    said = f"To come: {shown or 'none'}."
    return f"{said} By chance: {by_chance}." if by_chance else said


def _rate(sandbox: Sandbox) -> str:
    limit, free = sandbox.config.rate_limit, sandbox.free_requests
    if limit is None:
        return "There is no rate limit."
    return (
        f"{_quantity(free or 0, 'request')} free of {limit.burst}; "
        f"{limit.requests_per_minute} more per minute"
    )


def _webhook(sandbox: Sandbox) -> str:
    webhook = sandbox.config.webhook
    if webhook is None:
        return (
            "Events are not sent: start the sandbox with "
            "<code>sesamy sandbox --webhook URL</code> to receive them."
        )
    parts = urlsplit(webhook.url)
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    how = "without" if webhook.authorization is None else "with"
    return (
        f"Events go to <code>{escape(where)}</code>, {how} an Authorization "
        "header. Whether Sesamy sends these for external orders is unknown."
    )


def _webhooks(sandbox: Sandbox) -> Iterator[str]:
    ledger = sandbox.ledger
    if sandbox.config.webhook is None:
        for event in islice(reversed(ledger.events), _MOST):
            yield _event(event, "not sent", "", "")
    for sent in islice(reversed(ledger.webhooks), _MOST):
        answers = ", ".join(str(each or "none") for each in sent.answers)
        again = (
            f'<form method="post" action="{_FORM}">'
            f'<input type="hidden" name="number" value="{sent.number}">'
            f'<button id="again-{sent.number}" name="do" value="again">'
            "Send again</button></form>"
        )
        yield _event(sent.event, sent.state, answers, again)


def _event(
    event: Mapping[str, str], state: str, answers: str, action: str
) -> str:
    kind = {"delivered": "good", "lost": "bad"}.get(state, "odd")
    at = datetime.fromisoformat(event["occured_at"]).timestamp()
    return _row(
        ("nowrap", _clock(at)),
        ("", _id(event["eventType"])),
        ("", _id(event.get("contractId", "")[:8])),
        (kind, state),
        ("", answers),
        ("number", action),
    )


def _options(options: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        f'<option value="{escape(value)}">{escape(text)}</option>'
        for value, text in options
    )


def _quantity(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _id(text: str) -> str:
    # A hyphen is where a browser would break it.
    kind = "nowrap" if len(text) <= _SHORT else ""
    return _tag("code", escape(_short(text)), kind) if text else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _clock(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix))
