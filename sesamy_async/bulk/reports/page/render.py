"""The page, put together."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from sesamy_async._version import __version__
from sesamy_async.bulk.reports.words import count, duration, ending, headline

from .bar import bar
from .chart import chart, permitted_orders
from .facts import Facts
from .markup import moment, text
from .sections import details, onward, outcomes


_PACKAGE = "sesamy_async.bulk.reports.page"


def render(facts: Facts) -> str:
    """Return the page: HTML that needs nothing but itself.

    No script, no font, no image and no request; light and dark; every value
    is escaped, and none is personal.

    .. versionadded:: 0.1.0
    """
    summary, terms = facts.summary, facts.terms
    return Template(_read("page.html")).substitute(
        style=_read("page.css"),
        source=text(terms.source),
        where="" if facts.real else " into a sandbox: no contract is real",
        headline=text(headline(summary)),
        kind="good" if summary.done == summary.rows else "mixed",
        ending=text(_ending(facts)),
        bar=bar(facts.reports.rows),
        outcomes=outcomes(facts.reports),
        about=_about(facts),
        pace=_pace(facts),
        chart=chart(facts),
        onward=onward(facts),
        details=details(facts.reports),
        made=text(moment(facts.now)),
        version=text(__version__),
    )


def _ending(facts: Facts) -> str:
    summary = facts.summary
    said = f"The run ended because {ending(summary)}."
    return f"{said} {summary.reason}" if summary.reason else said


def _about(facts: Facts) -> str:
    summary, terms = facts.summary, facts.terms
    told = {
        "File": terms.source,
        "Promo code": terms.promo_code or "in the rows",
        "Publisher": terms.vendor_id,
        "Sent to": terms.base_url,
        "Confirmed": terms.confirm,
        "First order": moment(facts.began) if facts.spans else "none",
        "Last order": moment(facts.ended) if facts.spans else "none",
        "This run": f"{duration(summary.seconds)}, {summary.calls:,} calls",
    }
    return "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
        for name, value in told.items()
    )


def _pace(facts: Facts) -> str:
    limit = permitted_orders(facts)
    if not facts.spans:
        return "<p>No order was sent.</p>"
    said = "Orders that ended per second."
    if limit is not None:
        said += (
            f" The dashed line is what Sesamy permits in the long run: "
            f"{limit:.3g} orders per second at "
            f"{count(facts.summary.confirm.calls, 'call')} each. "
            "A burst at the beginning may go beyond it."
        )
    return f"<p>{text(said)}</p>"


@cache
def _read(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text("utf-8")
