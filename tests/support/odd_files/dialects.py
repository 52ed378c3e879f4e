"""Files whose encoding, delimiter or line ends are odd."""

from __future__ import annotations

from ._made import (
    AINO,
    BJORN,
    COLUMNS,
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


_BOM = "utf-8-sig"
_LINES = lines()
_COMMAS = lines(delimiter=",")
_BLANK = ";" * (len(COLUMNS) - 1)
_PRICES = tuple({**row, "amount": "1 199,00"} for row in PEOPLE)
_DANES = (
    {**YLVA, "country": "DK", "zip": "9000", "city": "Aalborg Øst"},
    {**BJORN, "country": "DK", "zip": "1123", "city": "København K"},
)
_GERMANS = (
    {**YLVA, "country": "DE", "zip": "01067", "city": "Groß-Straße"},
    {**BJORN, "country": "DE", "zip": "04109", "city": "Münster"},
)


def _pasted() -> bytes:
    return csv()().replace("Løvås".encode(), "Løvås".encode("cp1252"))


ENCODINGS = (
    OddFile(
        "excel-swedish.csv",
        "CSV of Excel in Sweden: semicolons, cp1252",
        "https://github.com/shopware/shopware/issues/12437",
        csv(encoding="cp1252"),
        as_it_is(),
    ),
    OddFile(
        "excel-german.csv",
        "CSV of Excel in Germany: semicolons, cp1252, ß, decimal commas",
        "https://github.com/actualbudget/actual/issues/1769",
        csv(
            [{**row, "amount": "1199,00"} for row in _GERMANS],
            "cp1252",
            columns=(*COLUMNS, "amount"),
        ),
        as_it_is([{**row, "amount": "1199,00"} for row in _GERMANS]),
    ),
    OddFile(
        "excel-norwegian.csv",
        "CSV of Excel in Norway: æ, ø and å in cp1252",
        "https://github.com/Budibase/budibase/issues/780",
        csv([BJORN], "cp1252"),
        as_it_is([BJORN]),
    ),
    OddFile(
        "excel-danish.csv",
        "“CSV UTF-8” of Excel in Denmark: semicolons, byte order mark",
        TRIED,
        csv(_DANES, _BOM),
        as_it_is(_DANES),
    ),
    OddFile(
        "excel-finnish.csv",
        "CSV of Excel in Finland, with amounts such as 1 199,00",
        TRIED,
        csv(_PRICES, "cp1252", columns=(*COLUMNS, "amount")),
        as_it_is(_PRICES),
    ),
    OddFile(
        "excel-bom-and-quotes.csv",
        "a byte order mark before quoted headers",
        "https://github.com/dotCMS/core/issues/36508",
        csv(encoding=_BOM, delimiter=",", quote='"'),
        as_it_is(),
    ),
    OddFile(
        "two-boms.csv",
        "two byte order marks, from an export that was exported again",
        "https://github.com/opengovsg/postmangovsg/pull/88",
        text(["\ufeff" + _LINES[0], *_LINES[1:]], _BOM),
        as_it_is(),
    ),
    OddFile(
        "excel-unicode-text.txt",
        "“Unicode Text” of Excel: UTF-16 and tabs",
        "https://github.com/odoo/odoo/pull/11792",
        csv(encoding="utf-16", delimiter="\t"),
        as_it_is(),
    ),
    OddFile(
        "utf-16-without-bom.csv",
        "UTF-16 without a byte order mark",
        "https://github.com/microsoft/vscode-mssql/issues/774",
        csv(encoding="utf-16-le", delimiter=","),
        as_it_is(),
    ),
    OddFile(
        "utf-16-big-endian.csv",
        "UTF-16 in the other order of bytes",
        TRIED,
        text(["\ufeff" + _LINES[0], *_LINES[1:]], "utf-16-be"),
        as_it_is(),
    ),
    OddFile(
        "excel-macintosh.csv",
        "“CSV (Macintosh)” of Excel: Mac Roman, each line ends with CR",
        "https://github.com/ddeboer/data-import/issues/315",
        csv(encoding="mac_roman", newline="\r"),
        as_it_is(),
    ),
    OddFile(
        "mac-lines.csv",
        "UTF-8 whose lines end with CR",
        "https://github.com/mautic/mautic/pull/5408",
        csv(newline="\r", delimiter=","),
        as_it_is(),
    ),
    OddFile(
        "excel-ms-dos.csv",
        "“CSV (MS-DOS)” of Excel: cp850",
        TRIED,
        csv(encoding="cp850"),
        as_it_is(),
    ),
    OddFile(
        "utf-8-called-cp1252.csv",
        "UTF-8, but --encoding says cp1252",
        "https://github.com/hbz/oerworldmap/issues/1263",
        csv(),
        Outcome(refused=("UTF-8",)),
        options={"encoding": "cp1252"},
    ),
    OddFile(
        "utf-16-called-utf-8.csv",
        "UTF-16, but --encoding says UTF-8",
        "https://github.com/SpartnerNL/Laravel-Excel/issues/2598",
        csv(encoding="utf-16", delimiter="\t"),
        Outcome(refused=("utf-16",)),
        options={"encoding": "utf-8"},
    ),
    OddFile(
        "one-wrong-byte.csv",
        "UTF-8 with a cell in cp1252 that was pasted into it",
        TRIED,
        _pasted,
        Outcome(refused=("row 3", "userData.fullName")),
    ),
)

DELIMITERS = (
    OddFile(
        "sep-line.csv",
        "the first line is sep=;",
        "https://github.com/shenwei356/csvtk/issues/13",
        text(["sep=;", *_LINES], "cp1252"),
        as_it_is(),
    ),
    OddFile(
        "sep-line-quoted.csv",
        'the first line is "sep=," in quotation marks',
        "https://github.com/asafdav/ng-csv/issues/28",
        text(['"sep=,"', *_COMMAS], _BOM),
        as_it_is(),
    ),
    OddFile(
        "pipes.csv",
        "the delimiter is |",
        "https://github.com/StephaneCouturier/Katalog/issues/727",
        csv(delimiter="|"),
        as_it_is(),
    ),
    OddFile(
        "google-sheets.tsv",
        "TSV of Google Sheets",
        TRIED,
        csv(newline="\n", delimiter="\t"),
        as_it_is(),
    ),
    OddFile(
        "libreoffice.csv",
        "CSV of LibreOffice with all cells in quotation marks",
        TRIED,
        csv(newline="\n", delimiter=",", quote='"'),
        as_it_is(),
    ),
    OddFile(
        "header-with-commas.csv",
        "semicolons, but the header has more commas than semicolons",
        TRIED,
        csv(
            columns=("id", "name", "email"),
            headers={
                "id": "Order, number, or reference",
                "name": "Name (last, first, middle)",
                "email": "Mail",
            },
        ),
        Outcome(
            orders=sent(
                *(
                    {name: row[name] for name in ("id", "name", "email")}
                    for row in PEOPLE
                )
            )
        ),
        mapping="""
            [columns]
            "Order, number, or reference" = "externalOrderId"
            "Name (last, first, middle)" = "userData.fullName"
            "Mail" = "userData.email"
        """,
    ),
)

LINES = (
    OddFile(
        "mixed-line-ends.csv",
        "lines that end with CR LF, with LF and with CR",
        TRIED,
        text(
            [f"{_LINES[0]}\r", f"{_LINES[1]}\n{_LINES[2]}\r{_LINES[3]}"],
            newline="\n",
        ),
        as_it_is(),
    ),
    OddFile(
        "ctrl-z.csv",
        "an end-of-file character of DOS after the last line",
        TRIED,
        text([*_LINES, "\x1a"], newline="\r\n"),
        as_it_is(),
    ),
    OddFile(
        "numbers-blank-cells.csv",
        "CSV of Numbers: the unused rows and columns are exported too",
        "https://github.com/jakob/Postico/issues/550",
        text(
            f"{line},,,"
            for line in (
                *_COMMAS[:2],
                _BLANK.replace(";", ","),
                *_COMMAS[2:],
                *[_BLANK.replace(";", ",")] * 3,
            )
        ),
        as_it_is(),
    ),
    OddFile(
        "excel-deleted-rows.csv",
        "rows that were emptied, not deleted, are delimiters only",
        "https://github.com/microsoft/AzureStorageExplorer/issues/3136",
        text([*_LINES, *[_BLANK] * 20]),
        as_it_is(),
    ),
    OddFile(
        "trailing-delimiters.csv",
        "each line ends with a delimiter, the header too",
        "https://github.com/mldbai/mldb/pull/365",
        text(f"{line}," for line in _COMMAS),
        as_it_is(),
    ),
    OddFile(
        "blank-rows-around-header.csv",
        "blank rows above and below the header",
        "https://github.com/firefly-iii/firefly-iii/issues/691",
        text([_BLANK, _LINES[0], _BLANK, *_LINES[1:]]),
        as_it_is(),
    ),
    OddFile(
        "empty-lines-at-end.csv",
        "empty lines at the end",
        "https://github.com/octobercms/october/pull/1321",
        text([*_LINES, "", "", "   "]),
        as_it_is(),
    ),
    OddFile(
        "blank-row-counts.csv",
        "a blank row above a mistake: rows count as in the spreadsheet",
        TRIED,
        text([*_LINES[:3], _BLANK, *lines(changed(AINO, quantity="x"))[3:]]),
        Outcome(
            orders=sent(YLVA, BJORN),
            wrong={(5, "quantity"): "whole number"},
        ),
    ),
)

DIALECTS = (*ENCODINGS, *DELIMITERS, *LINES)
