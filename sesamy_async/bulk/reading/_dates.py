"""Dates as people and spreadsheets write them.

Where two readings are possible, nothing is guessed: 03/04/1981 is in March
for some, and in April for others.
"""

from __future__ import annotations

import re
from datetime import date

from ._fields import WrongValue


def _form(name: str) -> re.Pattern[str]:
    """Return what reads a form; with signs in between, 1 is as good as 01."""
    digits = "{1,2}" if not name.isalpha() else "{2}"
    pattern = re.escape(name)
    for sign, group in (("Y", "year"), ("M", "month"), ("D", "day")):
        count = "{4}" if sign == "Y" else digits
        pattern = re.sub(
            f"{sign}+", f"(?P<{group}>[0-9]{count})", pattern, count=1
        )
    # Midnight is what a spreadsheet adds to a date.
    return re.compile(rf"{pattern}(?:[ T]0?0:00(?::00(?:\.0+)?)?)?")


DATE_FORMS = {
    name: _form(name)
    for name in (
        *("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD"),
        *("DD.MM.YYYY", "DD/MM/YYYY", "DD-MM-YYYY", "DDMMYYYY"),
        *("D.M.YYYY", "D/M/YYYY", "D-M-YYYY"),
        *("MM/DD/YYYY", "MM-DD-YYYY", "M/D/YYYY", "M-D-YYYY"),
    )
}
"""The forms by name, as a mapping names them."""

_CLEAR = (
    *("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD"),
    "DD.MM.YYYY",
)
"""Forms that can be read in one way only."""

_UNCLEAR = re.compile("[0-9]{1,2}[/-][0-9]{1,2}[/-](?:[0-9]{2}){1,2}")
_SHORT_YEAR = re.compile("[0-9]{1,2}([./-])[0-9]{1,2}\\1[0-9]{2}")
_SERIAL = re.compile("[0-9]{4,5}(?:[.,]0+)?")
_NO_DAY = "is no day in the calendar"
_SAY = (
    'say with [dates] in a mapping how dates are written, such as "DD/MM/YYYY"'
)
_MAP = f"can be read in more than one way; {_SAY}"
_OTHER = f"must be a date such as 1980-12-31; or {_SAY}"


def read_date(text: str, form: str | None) -> str:
    """Return a date in ISO 8601.

    Args:
        text: The date.
        form: The name of the form that a mapping says, or None.

    Raises:
        WrongValue: It is no date, or it is not clear which.
    """
    for name in (form, *_CLEAR):
        found = DATE_FORMS[name].fullmatch(text) if name else None
        if found:
            year, month, day = map(int, found.group("year", "month", "day"))
            if _is_day(year, month, day):
                return date(year, month, day).isoformat()
            break
    else:
        raise WrongValue(f": {_unread(text, form)}")
    written = f" written {form}" if name == form else ""
    raise WrongValue(f": {_NO_DAY}{written}")


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _unread(text: str, form: str | None) -> str:
    if _SHORT_YEAR.fullmatch(text):
        return "must have a year of four digits"
    if _SERIAL.fullmatch(text):
        return (
            "is the number that a spreadsheet has for a date; format the "
            "column as a date such as 1980-12-31 and export it again"
        )
    if form:
        return f"must be a date written {form}, or such as 1980-12-31"
    if _UNCLEAR.fullmatch(text):
        one, two, year = map(int, re.split("[/-]", text))
        days = _is_day(year, one, two) + _is_day(year, two, one)
        return (_NO_DAY, _OTHER, _MAP)[days]
    return "must be a date such as 1980-12-31"
