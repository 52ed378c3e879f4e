"""Files whose rows are odd: quotation marks, line breaks, dates, repeats."""

from __future__ import annotations

from ._made import (
    AINO,
    BJORN,
    COLUMNS,
    PATHS,
    PEOPLE,
    TRIED,
    YLVA,
    OddFile,
    Outcome,
    as_it_is,
    changed,
    csv,
    lines,
    sent,
    text,
)


_STREET = (*COLUMNS, "street")
_ADDRESS = "Linnégatan 12\nlgh 1102"
_BIRTHDAY = (*COLUMNS, "birthday")
_BIRTHDAYS = tuple(
    {**row, "birthday": day}
    for row, day in zip(
        PEOPLE, ("1981-12-01", "1979-06-19", "1990-04-03"), strict=True
    )
)
_READ = Outcome(
    orders=sent(*_BIRTHDAYS), cleaned={PATHS["birthday"]: "year, month"}
)
_ALL_LINES = 'lines_per_order = "several"\n'


def _born(*days: str) -> list[dict[str, str]]:
    return [
        {**row, "birthday": day} for row, day in zip(PEOPLE, days, strict=True)
    ]


QUOTES = (
    OddFile(
        "one-quotation-mark.csv",
        "a quotation mark inside a quoted cell that is not doubled",
        "https://github.com/OpenRefine/OpenRefine/issues/690",
        csv(changed(BJORN, name='"Bjørn "Bear" Løvås"')),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, ""): "quotation mark"}),
    ),
    OddFile(
        "backslash-quotes.csv",
        "quotation marks that are escaped with backslashes",
        "https://github.com/mafintosh/csv-parser/issues/44",
        csv(changed(BJORN, name=r'"Bjørn \"Bear\" Løvås"')),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, ""): "quotation mark"}),
    ),
    OddFile(
        "unclosed-quote.csv",
        "a quoted cell that is not closed swallows the rows below it",
        "https://github.com/adaltas/node-csv-parse/issues/273",
        csv(changed(BJORN, name='"Bjørn Løvås')),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, ""): "quotation mark"}),
    ),
    OddFile(
        "doubled-quotes.csv",
        "a nickname in quotation marks that are doubled, as they must be",
        TRIED,
        csv(changed(BJORN, name='"Bjørn ""Bear"" Løvås"')),
        as_it_is(changed(BJORN, name='Bjørn "Bear" Løvås')),
    ),
    OddFile(
        "line-break-in-address.csv",
        "an address of two lines in one cell",
        "https://github.com/postmanlabs/newman/issues/339",
        csv(
            [{**YLVA, "street": f'"{_ADDRESS}"'}, BJORN, AINO],
            columns=_STREET,
        ),
        as_it_is([{**YLVA, "street": _ADDRESS}, BJORN, AINO]),
    ),
    OddFile(
        "delimiter-in-name.csv",
        "a name with the delimiter in it, without quotation marks",
        TRIED,
        csv(changed(YLVA, name="Öst, Ylva"), delimiter=","),
        Outcome(orders=sent(BJORN, AINO), wrong={(2, ""): "delimiter"}),
    ),
    OddFile(
        "cut-row.csv",
        "the last row is cut in the middle",
        TRIED,
        lambda: csv()()[:-40],
        Outcome(orders=sent(YLVA, BJORN), wrong={(4, ""): "cut"}),
    ),
)

DATES = (
    OddFile(
        "dates-day-first.csv",
        "dates such as 01/12/1981, and the mapping says that days are first",
        "https://github.com/dannymcc/may/issues/250",
        csv(
            _born("01/12/1981", "19/06/1979", "03/04/1990"),
            columns=_BIRTHDAY,
        ),
        _READ,
        mapping='[dates]\n"userData.birthday" = "DD/MM/YYYY"\n',
    ),
    OddFile(
        "dates-month-first.csv",
        "dates such as 12/01/1981, and the mapping says that months are first",
        "https://github.com/UnofficialSF/LightningFlowComponents/issues/937",
        csv(
            _born("12/01/1981", "06/19/1979", "04/03/1990"),
            columns=_BIRTHDAY,
        ),
        _READ,
        mapping='[dates]\n"userData.birthday" = "MM/DD/YYYY"\n',
    ),
    OddFile(
        "dates-with-dots.csv",
        "dates such as 01.12.1981, as in Finland, Norway and Germany",
        "https://github.com/buckets/application/issues/573",
        csv(
            _born("01.12.1981", "19.06.1979", "03.04.1990"),
            columns=_BIRTHDAY,
        ),
        _READ,
        mapping='[dates]\n"userData.birthday" = "DD.MM.YYYY"\n',
    ),
    OddFile(
        "dates-in-doubt.csv",
        "dates such as 01/12/1981, and nothing says what they mean",
        "https://github.com/wireservice/csvkit/issues/280",
        csv(
            _born("01/12/1981", "1979-06-19", "03/04/1990"),
            columns=_BIRTHDAY,
        ),
        Outcome(
            orders=sent(_BIRTHDAYS[1]),
            wrong={
                (2, PATHS["birthday"]): "date",
                (4, PATHS["birthday"]): "date",
            },
        ),
    ),
    OddFile(
        "dates-wrong-form.csv",
        "a month of 19 in the form that the mapping says",
        TRIED,
        csv(
            _born("12/01/1981", "19/06/1979", "04/03/1990"),
            columns=_BIRTHDAY,
        ),
        Outcome(
            orders=sent(_BIRTHDAYS[0], _BIRTHDAYS[2]),
            cleaned={PATHS["birthday"]: "year, month"},
            wrong={(3, PATHS["birthday"]): "date|MM/DD/YYYY"},
        ),
        mapping='[dates]\n"userData.birthday" = "MM/DD/YYYY"\n',
    ),
    OddFile(
        "dates-as-numbers.csv",
        "dates that a spreadsheet saved as numbers of days",
        TRIED,
        csv(_born("29921", "1979-06-19", "1990-04-03"), columns=_BIRTHDAY),
        Outcome(
            orders=sent(*_BIRTHDAYS[1:]),
            wrong={(2, PATHS["birthday"]): "date"},
        ),
    ),
)

REPEATS = (
    OddFile(
        "same-row-twice.csv",
        "the same row twice",
        "https://github.com/coopcycle/coopcycle-web/issues/4662",
        csv([*PEOPLE, BJORN]),
        Outcome(
            orders=sent(*PEOPLE),
            wrong={(5, ""): "the same row as row 3"},
        ),
    ),
    OddFile(
        "same-id-twice.csv",
        "one id, and two different orders",
        "https://github.com/woocommerce/woocommerce/issues/12035",
        csv([*PEOPLE, {**AINO, "id": BJORN["id"]}]),
        Outcome(
            orders=sent(YLVA, AINO),
            wrong={
                (3, ""): "row 5 has this externalOrderId too",
                (5, ""): "row 3 has this externalOrderId too",
            },
        ),
    ),
    OddFile(
        "header-repeated.csv",
        "files that were put one behind the other, each with its header",
        TRIED,
        text([*lines(), lines()[0], *lines([{**YLVA, "id": "A-1004"}])[1:]]),
        Outcome(
            orders=sent(*PEOPLE, {**YLVA, "id": "A-1004"}),
            wrong={(5, ""): "repeats the header"},
        ),
    ),
    OddFile(
        "lines-of-orders.csv",
        "a line for each product, the order's cells repeated in each",
        "https://github.com/solidusio-contrib/solidus_importer/issues/62",
        csv([YLVA, {**YLVA, "quantity": "3"}, BJORN, AINO, AINO]),
        Outcome(
            orders=sent(
                {**YLVA, "quantity": "4"}, BJORN, {**AINO, "quantity": "2"}
            )
        ),
        mapping=_ALL_LINES,
    ),
    OddFile(
        "lines-of-orders-blank.csv",
        "a line for each product, the order's cells in the first line only",
        "https://docs.xbp.app/docs/development/integrations/shopify"
        "/order-format",
        csv(
            [
                YLVA,
                {"id": YLVA["id"], "quantity": "2"},
                {"id": YLVA["id"], "quantity": "1"},
                BJORN,
                AINO,
            ]
        ),
        Outcome(orders=sent({**YLVA, "quantity": "4"}, BJORN, AINO)),
        mapping=_ALL_LINES,
    ),
    OddFile(
        "lines-of-orders-apart.csv",
        "two lines of an order that do not stand below each other",
        TRIED,
        csv([YLVA, BJORN, {"id": YLVA["id"], "quantity": "2"}]),
        Outcome(
            orders=sent(BJORN),
            wrong={
                (2, ""): "row 4 has this externalOrderId too",
                (4, ""): "row 2 has this externalOrderId too",
            },
        ),
        mapping=_ALL_LINES,
    ),
    OddFile(
        "lines-of-orders-unsaid.csv",
        "a line for each product, and no mapping that says so",
        TRIED,
        csv([YLVA, {**YLVA, "quantity": "3"}, BJORN]),
        Outcome(
            orders=sent(BJORN),
            wrong={
                (2, ""): "row 3 has this externalOrderId too",
                (3, ""): "row 2 has this externalOrderId too",
            },
        ),
    ),
    OddFile(
        "only-paid.csv",
        "orders that are not paid, which a filter leaves out",
        TRIED,
        csv(
            [
                {**YLVA, "amount": "Betald"},
                {**BJORN, "amount": "makulerad"},
                {**AINO, "amount": " PAID"},
            ],
            columns=(*COLUMNS, "amount"),
            headers={"amount": "Status"},
        ),
        Outcome(orders=sent(YLVA, AINO), cleaned={"Status": "left out"}),
        mapping='ignore = ["Status"]\n'
        '[filter]\n"Status" = ["paid", "betald"]\n',
    ),
)

ROWS = (*QUOTES, *DATES, *REPEATS)
