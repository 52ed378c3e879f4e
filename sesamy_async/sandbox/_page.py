"""The page of a served sandbox: what happened, and what shall go wrong.

It shows names of fields, never values, and works without JavaScript; with
it, the page stays up to date.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import groupby, islice
from string import Template
from urllib.parse import parse_qsl, urlsplit

from sesamy_async._version import __version__
from sesamy_async.errors import ConfigurationError

from ._control import FORM, PREFIX
from ._exchange import OPERATIONS, Answer, SandboxRequest
from ._ledger import SoldContract
from ._records import EVENT_TYPES, NO_ANSWER, RecordedCall
from ._sandbox import Sandbox


_MOST = 50  # Rows of a table.
_LONGEST = 80  # Characters of an id.
_SHORT = 24
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
_FAULTS = {
    "status:503": "Error status 503; not processed",
    "status:503+applied": "Error status 503, though processed",
    "status:202": "Success status 202 instead of 200; processed",
    "wait:7": "429 that asks to wait 7 seconds; not processed",
    "delay:3": "Response 3 seconds late; processed at once",
    "drop-before": "Connection closed before the request is read",
    "drop-after": "Connection closed before the response, though processed",
    "half": "Connection closed within the response, though processed",
    "malformed": "Response with malformed JSON, though processed",
    "empty": "Response without a body, though processed",
    "html:502": "HTML page of a gateway, status 502; not processed",
    "html:502+applied": "HTML page of a gateway, status 502, though processed",
    "no-rate-headers": "Response without rate limit headers; processed",
}


def is_page(method: str, path: str) -> bool:
    """Return whether a request is for the page itself."""
    return path == "/" and method in {"GET", "HEAD"}


def show_page(
    sandbox: Sandbox, request: SandboxRequest, base_url: str
) -> Answer | None:
    """Answer a request for the page, or from its forms; None for others."""
    method, path = request.method, request.path
    if is_page(method, path):
        return _html(200, render(sandbox, base_url))
    if method == "POST" and path == FORM:
        return _act(sandbox, request, base_url)
    if method in {"GET", "HEAD"} and path in _STATIC:
        content = _read(path.removeprefix(PREFIX))
        headers = {**_HEADERS, "Content-Type": _STATIC[path]}
        return Answer(status=200, headers=headers, body=content.encode())
    return None


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
        return _html(400, render(sandbox, base_url, notice=_INCOMPLETE))
    except ConfigurationError as error:
        notice = str(error.args[0])
        return _html(400, render(sandbox, base_url, notice=notice))
    # So that reloading the page does not do it again.
    return Answer(status=303, headers={**_HEADERS, "Location": f"/#{place}"})


_INCOMPLETE = "The form is incomplete; reload the page."


def _add_fault(sandbox: Sandbox, fields: Mapping[str, str]) -> None:
    fault, number = fields["fault"], fields.get("number", "").strip()
    kind, colon, rest = fault.partition(":")
    if number and not colon:
        raise ConfigurationError(f"The fault {kind} takes no number.")
    if number:
        fault = f"{kind}:{number}{'+applied' if '+' in rest else ''}"
    times = fields["times"]
    if not _TIMES.fullmatch(times):
        raise ConfigurationError("Times must be a number from 1 to 999.")
    sandbox.faults.add(fault, times=int(times), on=fields["on"])


def _send_again(sandbox: Sandbox, fields: Mapping[str, str]) -> None:
    number = fields["number"]
    for sent in sandbox.ledger.webhooks:
        if str(sent.number) == number:
            sandbox.publish([sent.event])
            return
    raise ConfigurationError("This event is forgotten.")


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


def render(sandbox: Sandbox, base_url: str, *, notice: str = "") -> str:
    """Return the page; every value is escaped, and none is personal."""
    ledger, now = sandbox.ledger, sandbox.now
    orders = ledger.last_orders(_MOST)
    variables = sandbox.environment(base_url).items()
    return Template(_read("page.html")).substitute(
        notice=escape(notice),
        counts=_counts(sandbox),
        calls=_rows(
            map(_call, islice(reversed(ledger.calls), _MOST)),
            7,
            _NO_CALLS,
        ),
        orders=_rows(map(_order, orders), 5, "No orders yet."),
        faults=_options(_FAULTS.items()),
        endpoints=_options(
            (each, each) for each in ["any", *sorted(OPERATIONS)]
        ),
        pending=_pending(sandbox),
        tokens=_quantity(ledger.valid_tokens(now), "valid token"),
        rate=_rate(sandbox),
        webhook=_webhook(sandbox),
        events=_options((each, each) for each in EVENT_TYPES),
        contracts=_options(_contracts(orders)),
        webhooks=_rows(_webhooks(sandbox), 6, "No events yet."),
        variables=escape(
            "\n".join(f"export {k}={shlex.quote(v)}" for k, v in variables)
        ),
        version=escape(__version__),
    )


_NO_CALLS = (
    'No calls yet. Paste the <a href="#variables">variables</a> into a '
    "terminal, and start your program there."
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
    return "\n".join(
        f"<div><dt>{name}</dt><dd{_bad(name, twice)}>{value}</dd></div>"
        for name, value in shown.items()
    )


def _bad(name: str, twice: int) -> str:
    return ' class="bad"' if twice and name == "with access twice" else ""


def _rows(rows: Iterable[str], columns: int, nothing: str) -> str:
    return "\n".join(rows) or (
        f'<tr><td class="empty" colspan="{columns}">{nothing}</td></tr>'
    )


def _call(call: RecordedCall) -> str:
    what = f"{call.endpoint}{' + confirm' if call.at_once else ''}"
    if call.status == NO_ANSWER:
        answer, kind = "none", "bad"
    else:
        answer = f"{call.status} {call.reason}"
        kind = _KINDS.get(call.status // 100, "odd")
    return (
        f'<tr><td class="nowrap">{_clock(call.at)}</td>'
        f'<td class="nowrap">{escape(what)}</td>'
        f'<td class="{kind}">{escape(answer)}</td>'
        f"<td>{_id(call.external_order_id)}</td>"
        f"<td>{_id(call.promo_code)}</td>"
        f'<td class="odd">{escape(call.fault)}</td>'
        f'<td class="fields">{escape(_grouped(call.fields))}</td></tr>'
    )


def _grouped(fields: Iterable[str]) -> str:
    """Return names such as ``a.b`` and ``a.c`` as ``a (b, c)``."""
    shown: list[str] = []
    for name, group in groupby(fields, lambda it: it.partition(".")[0]):
        inner = [*filter(None, (it.partition(".")[2] for it in group))]
        shown.append(f"{name} ({_grouped(inner)})" if inner else name)
    return ", ".join(shown)


_KINDS = {2: "good", 5: "bad"}


def _order(order: tuple[str, tuple[SoldContract, ...]]) -> str:
    order_id, contracts = order
    access = sum(each.confirmed for each in contracts)
    invoices = sum(each.invoices for each in contracts)
    state, kind = _STATES.get(access, (f"access {access} times", "bad"))
    if extra := len(contracts) - max(access, 1):
        state += f"; {_quantity(extra, 'extra contract')}"
    alarm = ' class="alarm"' if access > 1 or invoices > 1 else ""
    ids = " ".join(map(_contract, contracts[:_MOST]))
    promos = sorted({each.promo_code for each in contracts})
    return (
        f"<tr{alarm}><td>{_id(order_id)}</td>"
        f'<td class="{kind}">{state}</td><td>{ids}</td>'
        f"<td>{' '.join(map(_id, promos))}</td>"
        f'<td class="number{" bad" if invoices > 1 else ""}">{invoices}</td>'
        "</tr>"
    )


_STATES = {
    0: ("no access yet", "odd"),
    1: ("access", "good"),
    2: ("access twice", "bad"),
}


def _contract(contract: SoldContract) -> str:
    mark = " ✓" if contract.confirmed else ""
    return f'<code class="nowrap">{escape(contract.id[:8])}{mark}</code>'


def _contracts(
    orders: Iterable[tuple[str, tuple[SoldContract, ...]]],
) -> Iterator[tuple[str, str]]:
    for order_id, contracts in orders:
        for each in contracts:
            yield each.id, f"{_short(order_id)}: {each.id[:8]}"


def _pending(sandbox: Sandbox) -> str:
    groups = [
        (each, len([*same])) for each, same in groupby(sandbox.faults.planned)
    ]
    shown = "; ".join(
        f"<code>{escape(str(each))}</code>, {_quantity(times, 'time')}"
        for each, times in groups[:_MOST]
    )
    said = f"To come: {shown or 'none'}."
    if chances := sandbox.faults.by_chance:
        shown = ", ".join(
            f"<code>{escape(str(each))}</code> {each.rate:.3%}"
            for each in chances
        )
        said += f" By chance: {shown}."
    return said


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
            f'<form method="post" action="{FORM}">'
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
    return (
        f'<tr><td class="nowrap">{_clock(at)}</td>'
        f"<td>{_id(event['eventType'])}</td>"
        f"<td>{_id(event.get('contractId', '')[:8])}</td>"
        f'<td class="{kind}">{state}</td><td>{answers}</td>'
        f'<td class="number">{action}</td></tr>'
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
    kind = ' class="nowrap"' if len(text) <= _SHORT else ""
    return f"<code{kind}>{escape(_short(text))}</code>" if text else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _clock(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix))
