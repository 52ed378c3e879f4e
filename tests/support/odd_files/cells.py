"""Files with odd cells: what spreadsheets make of ids, phones and zips."""

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
    Rows,
    all_changed,
    as_it_is,
    changed,
    csv,
    sent,
)


_ID, _ZIP, _PHONE = PATHS["id"], PATHS["zip"], PATHS["phone"]
_PHONES = tuple(row["phone"].removeprefix("+") for row in PEOPLE)
_GERMANS = tuple(
    {**row, "zip": cell, "country": "DE"}
    for row, cell in zip(PEOPLE, ("1067", "4109", "6108"), strict=True)
)
_NORWEGIANS = (
    {**YLVA, "zip": "352", "country": "NO"},
    {**BJORN, "zip": "184"},
)
_NOT_AVAILABLE = (
    {**YLVA, "phone": "#N/A", "city": "NULL"},
    {**BJORN, "phone": "#REF!", "city": "-"},
)


def _warned(rows: Rows, **words: str) -> Outcome:
    """Return the outcome of rows that are sent as they are, with warnings."""
    return Outcome(
        orders=sent(*rows),
        warned={PATHS[name]: said for name, said in words.items()},
    )


IDS = (
    OddFile(
        "ids-with-exponent.csv",
        "ids in exponent form, with the last digits lost",
        "https://github.com/archimatetool/archi/issues/192",
        csv(
            all_changed("id", "2.02609E+16", "2.02609E+16", "4.892E+09"),
            delimiter=",",
        ),
        Outcome(
            wrong={
                (2, _ID): "exponent|scientific|E\\+",
                (3, _ID): "exponent|scientific|E\\+",
                (4, _ID): "exponent|scientific|E\\+",
            }
        ),
    ),
    OddFile(
        "ids-with-exponent-and-comma.csv",
        "an id in the exponent form of a Nordic spreadsheet",
        "https://github.com/pulibrary/orangelight/issues/2695",
        csv(changed(BJORN, id="9,91214E+15")),
        Outcome(
            orders=sent(YLVA, AINO),
            wrong={(3, _ID): "exponent|scientific|E\\+"},
        ),
    ),
    OddFile(
        "ids-with-decimals.csv",
        "ids that became numbers with a decimal point",
        TRIED,
        csv(all_changed("id", "4711.0", "4712.0", "4713.0")),
        Outcome(
            wrong={
                (row, _ID): "decimal|number|spreadsheet" for row in (2, 3, 4)
            }
        ),
    ),
    OddFile(
        "ids-as-formulas.csv",
        'ids such as ="0018", to keep the leading zeros',
        TRIED,
        csv(all_changed("id", '="0018"', '="0019"', '="0020"')),
        Outcome(wrong={(row, _ID): "formula|sign" for row in (2, 3, 4)}),
    ),
    OddFile(
        "ids-not-available.csv",
        "NULL, #N/A and - as ids",
        TRIED,
        csv(all_changed("id", "NULL", "#N/A", "-")),
        Outcome(wrong={(row, _ID): "." for row in (2, 3, 4)}),
    ),
    OddFile(
        "ids-with-apostrophe.csv",
        "an id with the apostrophe that makes it a text",
        TRIED,
        csv(changed(BJORN, id="'0018")),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, _ID): "apostrophe|sign"}),
    ),
    OddFile(
        "ids-with-spaces.csv",
        "ids with a space or a no-break space at the end",
        TRIED,
        csv(all_changed("id", "A-1 ", "A-2\N{NO-BREAK SPACE}", "A-3")),
        Outcome(
            orders=sent({**AINO, "id": "A-3"}),
            wrong={(2, _ID): "space", (3, _ID): "space|invisible"},
        ),
    ),
    OddFile(
        "ids-of-a-mended-report.csv",
        "a report whose id 0018 a spreadsheet saved as 18",
        "https://github.com/caporaso-lab/cual-id/issues/42",
        csv(
            [
                {**YLVA, "id": "0017", "kept_id": "id:0017"},
                {**BJORN, "id": "18", "kept_id": "id:0018"},
            ],
            columns=(*COLUMNS, "kept_id"),
        ),
        Outcome(
            orders=sent({**YLVA, "id": "0017"}),
            wrong={(3, _ID): "did a spreadsheet change it"},
        ),
    ),
)

PHONES_AND_ZIPS = (
    OddFile(
        "phones-as-formulas.csv",
        'phones and zips such as ="0352"',
        "https://github.com/JnLlnd/CSVBuddy/issues/34",
        csv(
            [
                {**row, "phone": f'="{row["phone"]}"', "zip": f'="{zip_}"'}
                for row in PEOPLE
                for zip_ in [row["zip"]]
            ]
        ),
        Outcome(
            orders=sent(*PEOPLE),
            cleaned={_PHONE: "=|formula", _ZIP: "=|formula"},
        ),
    ),
    OddFile(
        "phones-as-quoted-formulas.csv",
        'the same, quoted as CSV asks for: "=""0352"""',
        "https://github.com/mldbai/mldb/pull/870",
        csv([{**row, "zip": f'"=""{row["zip"]}"""'} for row in PEOPLE]),
        Outcome(orders=sent(*PEOPLE), cleaned={_ZIP: "=|formula"}),
    ),
    OddFile(
        "phones-with-apostrophe.csv",
        "phones with the apostrophe that makes them texts",
        "https://github.com/Automattic/camptix/issues/40",
        csv([{**row, "phone": f"'{row['phone']}"} for row in PEOPLE]),
        Outcome(orders=sent(*PEOPLE), cleaned={_PHONE: "apostrophe"}),
    ),
    OddFile(
        "shopify-zips.csv",
        "zips with an apostrophe, as Shopify exports them",
        "https://docs.xbp.app/docs/development/integrations/shopify"
        "/order-format",
        csv(
            [{**row, "zip": f"'{row['zip']}"} for row in PEOPLE],
            delimiter=",",
        ),
        Outcome(orders=sent(*PEOPLE), cleaned={_ZIP: "apostrophe"}),
    ),
    OddFile(
        "phones-with-exponent.csv",
        "phones that became numbers in exponent form",
        "https://github.com/dilshod/xlsx2csv/issues/190",
        csv(all_changed("phone", "4.63139E+10", "3.108207129E9", "4,63E+10")),
        _warned(
            all_changed("phone", "4.63139E+10", "3.108207129E9", "4,63E+10"),
            phone="exponent|scientific|number",
        ),
    ),
    OddFile(
        "phones-with-decimals.csv",
        "phones that became numbers with a decimal point",
        "https://github.com/nyaruka/rapidpro/pull/241",
        csv(all_changed("phone", *(f"{it}.0" for it in _PHONES))),
        Outcome(
            orders=sent(*all_changed("phone", *_PHONES)),
            cleaned={_PHONE: "decimal"},
            warned={_PHONE: "zero"},
        ),
    ),
    OddFile(
        "norwegian-zips-without-zeros.csv",
        "all zips of Norway have three digits instead of four",
        "https://github.com/wpsharks/s2member/issues/1148",
        csv(_NORWEGIANS),
        _warned(_NORWEGIANS, zip="zero"),
    ),
    OddFile(
        "german-zips-without-zeros.csv",
        "all zips of Germany have four digits instead of five",
        "https://github.com/hizzle-co/noptin/issues/602",
        csv(_GERMANS),
        _warned(_GERMANS, zip="zero"),
    ),
)

WORDS = (
    OddFile(
        "not-available.csv",
        "#N/A, #REF!, NULL and - in cells that are not ids",
        "https://github.com/dbeaver/dbeaver/issues/4223",
        csv(_NOT_AVAILABLE),
        _warned(_NOT_AVAILABLE, phone=".", city="."),
    ),
    OddFile(
        "namibia.csv",
        "NA is a country, and Null is a family name",
        "https://github.com/kuzudb/kuzu/issues/1323",
        csv(changed(AINO, country="NA", name="Aino Null")),
        as_it_is(changed(AINO, country="NA", name="Aino Null")),
    ),
    OddFile(
        "quantities-with-decimals.csv",
        "quantities such as 1.00 and 1,5",
        "https://github.com/Kademi/kademi-dev/issues/4552",
        csv(all_changed("quantity", "1.00", "1,5", "1")),
        Outcome(
            orders=sent(YLVA, AINO),
            cleaned={"quantity": "decimal"},
            wrong={(3, "quantity"): "whole number"},
        ),
    ),
    OddFile(
        "methods-in-other-case.csv",
        "Card and Faktura, mapped to the words of Sesamy",
        TRIED,
        csv(all_changed("method", " faktura", "Kort", "KORT ")),
        as_it_is(),
        mapping="""
            [columns]
            "paymentMethod" = "paymentMethod"
            [values.paymentMethod]
            "Faktura" = "INVOICE"
            "kort" = "CARD"
        """,
    ),
    OddFile(
        "unknown-method.csv",
        "a word that the mapping of values does not have",
        TRIED,
        csv(all_changed("method", "Faktura", "Kontant", "Kort")),
        Outcome(
            orders=sent(YLVA, AINO),
            wrong={(3, "paymentMethod"): "must be one of"},
        ),
        mapping="""
            [values.paymentMethod]
            "Faktura" = "INVOICE"
            "Kort" = "CARD"
        """,
    ),
    OddFile(
        "empty-quantities.csv",
        "empty cells for which the mapping has a default",
        TRIED,
        csv(all_changed("quantity", "", "2", "")),
        as_it_is(),
        mapping="[defaults]\nquantity = 1\n",
    ),
    OddFile(
        "apostrophe-in-name.csv",
        "an apostrophe in an e-mail address and a name, where it is right",
        "https://github.com/mautic/mautic/issues/10411",
        csv(changed(YLVA, email="pat.o'neil@example.com", name="Pat O'Neil")),
        as_it_is(
            changed(YLVA, email="pat.o'neil@example.com", name="Pat O'Neil")
        ),
    ),
)

CELLS = (*IDS, *PHONES_AND_ZIPS, *WORDS)
