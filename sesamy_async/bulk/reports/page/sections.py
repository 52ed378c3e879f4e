"""What became of the rows, why, and what to do."""

from __future__ import annotations

from sesamy_async.bulk.reports.kind import Kind
from sesamy_async.bulk.reports.onward import steps
from sesamy_async.bulk.reports.reports import Reports
from sesamy_async.bulk.reports.words import meaning

from .facts import Facts
from .markup import table, text


def outcomes(reports: Reports) -> str:
    """Return how many rows became what, and where they are listed."""
    total = sum(reports.rows.values())
    body = "\n".join(
        f'<tr><th scope="row"><span class="key {kind}"></span>{kind}</th>'
        f'<td class="number">{rows:,}</td>'
        f'<td class="number">{share(rows, total)}</td>'
        f"<td>{text(meaning(kind))}{_listed(reports, kind)}</td></tr>"
        for kind, rows in reports.rows.items()
        if rows
    )
    return (
        "<table>\n<caption>What became of the rows</caption>\n"
        '<thead><tr><th scope="col">Outcome</th>'
        '<th class="number" scope="col">Rows</th>'
        '<th class="number" scope="col">Share</th>'
        '<th scope="col">Meaning</th></tr></thead>'
        f"\n<tbody>\n{body}\n</tbody>\n"
        f'<tfoot><tr><th scope="row">all</th><td class="number">{total:,}'
        "</td><td></td><td></td></tr></tfoot>\n</table>"
    )


def share(part: int, whole: int) -> str:
    """Return a percentage; only all is 100 %, and only nothing is 0 %."""
    if part == whole:
        return "100 %"
    return f"{min(max(100 * part / whole, 0.01), 99.99):.2f} %"


def onward(facts: Facts) -> str:
    """Return what is to be done next, as a list."""
    todo = [*steps(facts.summary, facts.reports.paths)]
    items = "\n".join(
        f"<li>{text(step)}</li>" for step in todo or ["Nothing: all is done."]
    )
    return f"<ul>\n{items}\n</ul>"


def details(reports: Reports) -> str:
    """Return the tables of reasons, unknown orders and strays."""
    tables: list[str] = []
    if reports.rejections:
        tables.append(
            table(
                "Why rows were rejected",
                ("Reason", "Rows"),
                reports.rejections,
            )
        )
    if reports.unknown:
        tables.append(
            table(
                f"Orders to look at{_first(reports, Kind.UNKNOWN)}",
                ("Row", "Order", "Reason"),
                [
                    (str(each.row), each.order_id, each.reason)
                    for each in reports.unknown
                ],
            )
        )
    if reports.strays:
        tables.append(
            table(
                "Orders that may have left unconfirmed contracts",
                ("Row", "Order", "Contract that counts", "Strays at most"),
                [
                    (
                        str(each.row),
                        each.order_id,
                        each.contract_id,
                        each.strays,
                    )
                    for each in reports.strays
                ],
            )
        )
    return "\n".join(tables)


def _first(reports: Reports, kind: Kind) -> str:
    shown, total = len(reports.unknown), reports.rows[kind]
    return "" if shown == total else f": the first {shown} of {total:,}"


def _listed(reports: Reports, kind: Kind | str) -> str:
    path = reports.paths.get(str(kind))
    return "" if path is None else f" <code>{text(path.name)}</code>"
