"""Files whose header is odd, or not there."""

from __future__ import annotations

from ._made import (
    COLUMNS,
    PATHS,
    PEOPLE,
    TRIED,
    OddFile,
    Outcome,
    as_it_is,
    csv,
    lines,
    sent,
    text,
)


_LINES = lines()
_BLANK = ";" * (len(COLUMNS) - 1)
_SWEDISH = {
    "id": "Ordernr",
    "quantity": "Antal",
    "email": "E-post",
    "name": "Kund",
    "zip": "Postnr",
}
_FEW = tuple({name: row[name] for name in _SWEDISH} for row in PEOPLE)
_MAPPING = """
    [columns]
    "Ordernr" = "externalOrderId"
    "Antal" = "quantity"
    "E-post" = "userData.email"
    "Kund" = "userData.fullName"
    "Postnr" = "userData.address.zip"
"""

FOUND = (
    OddFile(
        "title-rows.csv",
        "a title and a blank row above the header",
        "https://github.com/mholt/PapaParse/issues/894",
        text([f";;Beställningar vecka 48{';' * 7}", _BLANK, *_LINES]),
        as_it_is(),
    ),
    OddFile(
        "lines-about-the-export.csv",
        "three lines about the export above the header",
        "https://github.com/buckets/application/issues/757",
        text(
            [
                "Exported by;Ops",
                "Date;2026-11-27",
                "Orders from;2026-11-01;to;2026-11-27",
                *_LINES,
            ]
        ),
        as_it_is(),
    ),
    OddFile(
        "two-header-rows.csv",
        "a row with groups of columns above the header",
        TRIED,
        text(["Order;;;;Kund;;;Adress;;", *_LINES]),
        as_it_is(),
    ),
    OddFile(
        "nine-title-rows.csv",
        "the header is row 10",
        TRIED,
        text(["Rapport", *[""] * 8, *_LINES]),
        as_it_is(),
    ),
    OddFile(
        "header-case-and-spaces.csv",
        "headers in another case, with spaces around them",
        "https://github.com/netbox-community/netbox/issues/11929",
        csv(headers={key: f" {it.upper()} " for key, it in PATHS.items()}),
        as_it_is(),
    ),
    OddFile(
        "header-underscores.csv",
        "headers with underscores and hyphens in their names",
        "https://github.com/continuum/active_importer/issues/14",
        csv(
            headers={
                "id": "external_order_id",
                "provider": "Payment Provider",
                "method": "payment-method",
                "email": "user_data.email",
                "name": "User Data.Full Name",
            }
        ),
        as_it_is(),
    ),
    OddFile(
        "header-no-break-space.csv",
        "headers that the mapping has in another case, with other spaces",
        "https://github.com/elabftw/elabftw/pull/7306",
        csv(
            _FEW,
            columns=tuple(_SWEDISH),
            headers={
                "id": "ORDERNR",
                "quantity": "antal ",
                "email": "E-post\N{NO-BREAK SPACE}",
                "name": "\N{NO-BREAK SPACE}kund",
                "zip": "Post nr",
            },
        ),
        Outcome(orders=sent(*_FEW)),
        mapping=_MAPPING,
    ),
    OddFile(
        "all-other-columns.csv",
        "columns that are not part of an order: the mapping ignores them all",
        TRIED,
        csv(_FEW, columns=tuple(_SWEDISH), headers=_SWEDISH),
        Outcome(
            orders=sent(
                *({"id": it["id"], "email": it["email"]} for it in _FEW)
            )
        ),
        mapping="""
            ignore = "*"
            [columns]
            "Ordernr" = "externalOrderId"
            "E-post" = "userData.email"
        """,
    ),
)

NOT_FOUND = (
    OddFile(
        "no-header.csv",
        "the first row is an order",
        "https://github.com/aniav/ynab-csv/issues/63",
        text(_LINES[1:]),
        Outcome(refused=("row 1", "header")),
    ),
    OddFile(
        "header-only.csv",
        "a header, and no orders",
        TRIED,
        text(_LINES[:1]),
        Outcome(refused=("no orders below it",)),
    ),
    OddFile(
        "empty.csv",
        "nothing at all",
        TRIED,
        lambda: b"",
        Outcome(refused=("empty.csv is empty",)),
    ),
    OddFile(
        "header-twice.csv",
        "two columns with the same header",
        "https://github.com/mikkelkrogsholm/rentemester/issues/150",
        csv(headers={"city": PATHS["zip"]}),
        Outcome(refused=("userData.address.zip", "twice")),
    ),
    OddFile(
        "header-twice-in-other-case.csv",
        "two columns whose headers differ in case only",
        "https://github.com/OpenDCAI/DataMind/pull/20",
        csv(headers={"city": "USERDATA.Address.Zip "}),
        Outcome(refused=("twice",)),
    ),
    OddFile(
        "header-missing-id.csv",
        "no column has the id of the order",
        TRIED,
        csv(columns=COLUMNS[1:]),
        Outcome(refused=("externalOrderId: no column has it",)),
    ),
    OddFile(
        "header-misspelt.csv",
        "a header with two letters the wrong way round",
        TRIED,
        csv(headers={"email": "userData.emial"}),
        Outcome(
            refused=("userData.emial", "did you mean userData.email?"),
        ),
    ),
    OddFile(
        "header-missing-cell.csv",
        "a column that has cells, but no header",
        TRIED,
        csv(headers={"city": ""}),
        Outcome(
            refused=(
                "column 9",
                "has no header",
            )
        ),
    ),
    OddFile(
        "mapping-path-in-other-case.csv",
        "a mapping with a path in the wrong case",
        TRIED,
        csv(_FEW, columns=tuple(_SWEDISH), headers=_SWEDISH),
        Outcome(
            refused=("The mapping", "did you mean externalOrderId?"),
        ),
        mapping=_MAPPING.replace("externalOrderId", "externalorderid"),
    ),
    OddFile(
        "swedish-headers.csv",
        "headers in Swedish, and no mapping",
        TRIED,
        csv(_FEW, columns=tuple(_SWEDISH), headers=_SWEDISH),
        Outcome(refused=("swedish-headers.csv", "mapping")),
    ),
)

HEADERS = (*FOUND, *NOT_FOUND)
