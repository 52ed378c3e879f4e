"""Dates as people write them: read where they are clear, else refused."""

from __future__ import annotations

from datetime import date

import pytest

from sesamy_async.bulk.reading._values import (
    DATE_FORMS,
    WrongValue,
    read_date,
)


NO_DAY = "is not a day in the calendar"
NO_DATE = "must be a date such as 1980-12-31"
SHORT_YEAR = "must have a year of four digits"
SAY = (
    'say with [dates] in a mapping how dates are written, such as "DD/MM/YYYY"'
)
UNCLEAR = f"can be read in more than one way; {SAY}"
SERIAL = (
    "is the number that a spreadsheet has for a date; format the column as a "
    "date such as 1980-12-31 and export it again"
)
LIKE = "must be a date written DD/MM/YYYY, or such as 1980-12-31"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        *((text, None) for text in ("1981-06-09", "1981-6-9", "1981/06/09")),
        *((text, None) for text in ("1981.06.09", "19810609", "9.6.1981")),
        *((text, None) for text in ("09.06.1981", "1981-06-09 00:00:00")),
        *((text, None) for text in ("1981-06-09T00:00", "9.6.1981 0:00")),
        ("1981-06-09T00:00:00.000", None),
        *(("09/06/1981", "DD/MM/YYYY"), ("9/6/1981", "DD/MM/YYYY")),
        *(("9/6/1981", "D/M/YYYY"), ("9-6-1981", "DD-MM-YYYY")),
        *(("06/09/1981", "MM/DD/YYYY"), ("6-9-1981", "M-D-YYYY")),
        *(("09061981", "DDMMYYYY"), ("19810609", "YYYYMMDD")),
        # Clear ones are read whatever the mapping says.
        *(("1981-06-09", "DD/MM/YYYY"), ("9.6.1981", "MM/DD/YYYY")),
    ],
)
def test_read(text: str, form: str | None) -> None:
    """A date in a clear form, or in that of the mapping, is read."""
    assert "1981-06-09" == read_date(text, form)


@pytest.mark.parametrize(
    ("text", "form", "problem"),
    [
        ("09/06/1981", None, UNCLEAR),
        ("31/12/1981", None, f"{NO_DATE}; or {SAY}"),
        ("09-06-1981", None, UNCLEAR),
        *((text, None, SHORT_YEAR) for text in ("06/19/81", "19.6.81")),
        ("06/19/81", "MM/DD/YYYY", SHORT_YEAR),
        *((text, None, SERIAL) for text in ("29756", "29756.0", "29756,00")),
        ("1981-02-30", None, NO_DAY),
        ("31.02.1981", None, NO_DAY),
        ("0000-00-00", None, NO_DAY),
        ("31/13/1981", "DD/MM/YYYY", f"{NO_DAY} written DD/MM/YYYY"),
        ("19810609", "DDMMYYYY", f"{NO_DAY} written DDMMYYYY"),
        # Another day, in another time zone.
        ("1981-06-09 22:00", None, NO_DATE),
        *((text, None, NO_DATE) for text in ("19810609-1234", "9 June 1981")),
        ("1981-06/09", None, NO_DATE),
        *((text, "DD/MM/YYYY", LIKE) for text in ("x", "09-06-1981")),
    ],
)
def test_refused(text: str, form: str | None, problem: str) -> None:
    """A date that is unclear, or is none, is refused with what to do."""
    with pytest.raises(WrongValue) as caught:
        read_date(text, form)

    assert (f": {problem}",) == caught.value.args


@pytest.mark.parametrize("form", DATE_FORMS)
def test_forms(form: str) -> None:
    """A date is read in each form as it was written in it."""
    day = date(1981, 12, 19)
    codes = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "M": "%m", "D": "%d"}
    pattern = form
    for sign in ("YYYY", "MM", "DD") if "DD" in form else ("YYYY", "M", "D"):
        pattern = pattern.replace(sign, codes[sign])

    assert day.isoformat() == read_date(day.strftime(pattern), form)
