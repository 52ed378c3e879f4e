"""Files with odd e-mail addresses: nobody could log in with them."""

from __future__ import annotations

from ._made import (
    AINO,
    BJORN,
    PATHS,
    PEOPLE,
    TRIED,
    YLVA,
    OddFile,
    Outcome,
    all_changed,
    csv,
    sent,
)


_EMAIL = PATHS["email"]
_YLVA, _BJORN, _AINO = (row["email"] for row in PEOPLE)
_WITHOUT = ({**YLVA, "email": ""}, BJORN, {**AINO, "email": ""})
_WITHOUT_DOT = ({**YLVA, "email": "ylva.ost@example"}, BJORN)
_NONE = tuple({**row, "email": ""} for row in PEOPLE)
_TOTALS = (*PEOPLE, {"id": "Total", "quantity": "4"})


def _cleaned(words: str) -> Outcome:
    return Outcome(orders=sent(*PEOPLE), cleaned={_EMAIL: words})


def _wrong(*rows: int, words: str) -> Outcome:
    """Return the outcome of addresses that are wrong in some rows."""
    right = [each for row, each in enumerate(PEOPLE, 2) if row not in rows]
    return Outcome(
        orders=sent(*right), wrong={(row, _EMAIL): words for row in rows}
    )


EMAILS = (
    OddFile(
        "email-spaces.csv",
        "spaces around an address",
        "https://github.com/oroinc/crm/issues/357",
        csv(all_changed("email", f" {_YLVA}", f"{_BJORN}  ", _AINO)),
        _cleaned("space"),
    ),
    OddFile(
        "email-no-break-space.csv",
        "a no-break space behind an address",
        "https://github.com/Notifuse/notifuse/issues/223",
        csv(all_changed("email", f"{_YLVA}\N{NO-BREAK SPACE}", _BJORN, _AINO)),
        _cleaned("space"),
    ),
    OddFile(
        "email-angle-brackets.csv",
        "angle brackets around an address, as mail programs write it",
        "https://github.com/thunderbird/import-export-tools-ng/issues/755",
        csv(all_changed("email", f"<{_YLVA}>", _BJORN, f"<{_AINO}>")),
        _cleaned("bracket|address"),
    ),
    OddFile(
        "email-mailto.csv",
        "mailto: before an address, from a link",
        "https://github.com/Etar-Group/Etar-Calendar/issues/952",
        csv(
            all_changed("email", f"mailto:{_YLVA}", f"MAILTO:{_BJORN}", _AINO)
        ),
        _cleaned("mailto|address"),
    ),
    OddFile(
        "email-zero-width-space.csv",
        "an invisible zero-width space in an address",
        "https://github.com/LuteOrg/lute-v3/issues/612",
        csv(
            all_changed(
                "email",
                f"{_YLVA}\N{ZERO WIDTH SPACE}",
                _BJORN.replace("@", "@\N{ZERO WIDTH SPACE}"),
                _AINO,
            )
        ),
        _wrong(2, 3, words="invisible|character"),
    ),
    OddFile(
        "email-soft-hyphen.csv",
        "a soft hyphen and a byte order mark in addresses",
        TRIED,
        csv(
            all_changed(
                "email",
                _YLVA.replace(".com", "\N{SOFT HYPHEN}.com"),
                _BJORN,
                f"\N{ZERO WIDTH NO-BREAK SPACE}{_AINO}",
            )
        ),
        _wrong(2, 4, words="invisible|character"),
    ),
    OddFile(
        "email-smart-quotes.csv",
        "curly quotation marks around an address",
        "https://github.com/pentacent/keila/pull/483",
        csv(
            all_changed(
                "email",
                _YLVA,
                f"\N{LEFT DOUBLE QUOTATION MARK}{_BJORN}"
                "\N{RIGHT DOUBLE QUOTATION MARK}",
                _AINO,
            )
        ),
        _wrong(3, words="."),
    ),
    OddFile(
        "email-smart-apostrophe.csv",
        "a curly apostrophe in an address, from a text program",
        "https://github.com/alphagov/notifications-utils/pull/500",
        csv(
            all_changed(
                "email",
                "pat.o\N{RIGHT SINGLE QUOTATION MARK}neil@example.com",
                _BJORN,
                _AINO,
            )
        ),
        _wrong(2, words="."),
    ),
    OddFile(
        "email-comma.csv",
        "a comma instead of a dot, and a space inside",
        TRIED,
        csv(
            all_changed(
                "email", "ylva@exmaple,com", "bjorn lovas@example.org", _AINO
            )
        ),
        _wrong(2, 3, words="."),
    ),
    OddFile(
        "email-dots.csv",
        "a dot at the end, and two dots in a row",
        TRIED,
        csv(all_changed("email", f"{_YLVA}.", "bjorn@example..org", _AINO)),
        _wrong(2, 3, words="."),
    ),
    OddFile(
        "email-two.csv",
        "two addresses in one cell",
        TRIED,
        csv(all_changed("email", f"{_YLVA} / {_AINO}", _BJORN, _AINO)),
        _wrong(2, words="."),
    ),
    OddFile(
        "email-without-dot.csv",
        "a domain without a dot",
        TRIED,
        csv(_WITHOUT_DOT),
        Outcome(orders=sent(*_WITHOUT_DOT), warned={_EMAIL: "dot|domain"}),
    ),
    OddFile(
        "email-missing.csv",
        "two orders without an address",
        TRIED,
        csv(_WITHOUT),
        Outcome(orders=sent(*_WITHOUT), warned={"": "e-?mail"}),
    ),
    OddFile(
        "email-missing-in-all.csv",
        "no order has an address",
        TRIED,
        csv(_NONE),
        Outcome(orders=sent(*_NONE), warned={"": "e-?mail"}),
    ),
    OddFile(
        "totals-line.csv",
        "a line with totals at the end",
        "https://github.com/lightdash/lightdash/issues/4759",
        csv(_TOTALS),
        Outcome(
            orders=sent(*_TOTALS),
            warned={"": "e-?mail", PATHS["id"]: "total"},
        ),
    ),
)
