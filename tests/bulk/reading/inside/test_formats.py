"""A number is read as the spreadsheet shows it, if that is an id."""

from __future__ import annotations

import pytest

from sesamy_async.bulk.reading._formats import matters, plain, shown


# As LibreOffice shows them.
@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("0000", 352, "0352"),
        ("0000", 0, "0000"),
        ("0000", 351.6, "0352"),
        ("0000", 123456, "123456"),
        ("00000", -5, "-00005"),
        ("000\\ 00", 1304, "013 04"),
        ('"NO-"0000', 352, "NO-0352"),
        ('"a-"0', 4, "a-4"),
        ('"+"0', 46701, "+46701"),
        ("\\+##\\ ##\\ ###", 4670174, "+46 70 174"),
        ("##\\-##", 5, "-5"),
        ("000000\\-0000", 8106191234, "810619-1234"),
        ("[$-41D]000", 7, "007"),
        ("0000;-0000;00", 0, "0000"),
        ('"E-"00', 7, "E-07"),
    ],
)
def test_shown(code: str, value: float, text: str) -> None:
    """Zeros in front, and signs between digits, count."""
    assert text == shown(code, value)
    assert matters(code)


@pytest.mark.parametrize(
    "code",
    [
        *("", "General", "0", "#,##0", "0.00", "#,##0.00", "0%", '0 "st"'),
        *('"kr "0', "# ##0", "yyyy\\-mm\\-dd", "[>1000]0.00", "mm:ss.00"),
        *(";;;", '"x"', '"', "\\", "@", '#,##0" E-"', "General;0E+0"),
    ],
)
def test_not_shown(code: str) -> None:
    """Amounts, units, dates and texts stay the number that they are."""
    assert not shown(code, 1304)
    assert not matters(code)


@pytest.mark.parametrize(
    "code",
    [
        *("[Red]0000", "[$kr-41D] 000", "00.00", "00000_);\\(00000\\)"),
        *("[<=9999]0000;General", "[<=9999]000\\-0;0\\-0", "(000) 000"),
    ],
)
def test_not_understood(code: str) -> None:
    """Where zeros may be shown, but it is not clear which, that is told."""
    assert not shown(code, 352)
    assert matters(code)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (46701740605.0, "46701740605"),
        (999999999999999.0, "999999999999999"),
        (20260917000123456.0, "2.02609170001235E+16"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (-5.0, "-5"),
        (-0.0, "0"),
        (float("nan"), "NAN"),
    ],
)
def test_plain(value: float, text: str) -> None:
    """There is an exponent only where the spreadsheet has rounded an id."""
    assert text == plain(value)
    assert "E+" not in text or text == shown("0000", value)
