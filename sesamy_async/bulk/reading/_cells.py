"""Cells as people have them: what is cleaned, and what is warned of.

Something is changed only if it can mean one thing, and never in an id: two
ids that differ in a space are two orders.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from sesamy_async._checks import is_text
from sesamy_async._models import BIRTHDAY, EMAIL, KEY, Address, User
from sesamy_async.bulk._rows import Remark, Sale

from ._fields import ORDER_ID, OVERRIDES, Field
from ._values import (
    EXPONENT,
    FAILED,
    INVISIBLE,
    LOST,
    MANGLED,
    NOTHING,
    POINT_ZERO,
    QUOTED,
    WIDE,
    is_public,
    read_date,
    suspicious,
)


_warning = partial(Remark, warning=True)

SPACES = Remark("spaces around it were removed")
BREAKS = Remark("line breaks or tabs around it were removed")
UNSEEN = Remark("invisible characters were removed")
PLAIN_SPACES = Remark("no-break spaces became plain ones")
FORMULA = Remark('the formula ="…" around it was removed')
APOSTROPHE = Remark("the apostrophe of a spreadsheet was removed")
ADDRESS = Remark("only the address was taken, without what is around it")
COMPOSED = Remark("letters and their accents were put together")
AS_IN_GUIDE = Remark("written as in Sesamy's guide")
WHOLE = Remark("the decimal places, which are zero, were removed")
ISO_DATE = Remark("written as year, month and day, such as 1980-12-31")

INVISIBLE_INSIDE = _warning("has an invisible character in it")
SHORTENED = _warning(
    "is a number in exponent form: a spreadsheet removed its last digits"
)
EMPTY_WORD = _warning("looks like a word for an empty cell, such as NULL or -")
ERROR = _warning("is an error of a spreadsheet")
IS_FORMULA = _warning("looks like a formula of a spreadsheet")
MARK = _warning("has a quotation mark in it: is one missing, or too many?")
WRONG_LETTERS = _warning("has letters that look wrong: is the encoding right?")

NO_EMAIL = _warning(
    "has no e-mail address: nobody can log in to what is bought"
)
TOTALS = _warning("looks like a line of totals, not an order")
IS_DATE = _warning("is a date: did a spreadsheet change it?")
NOT_PUBLIC = _warning("the domain of the address is not on the internet")
NO_CODE = _warning("is not a code of two letters, such as SE")
_LOST_ZERO = "did a spreadsheet remove a zero at its beginning?"
SHORT_PHONE = _warning(f"is not a phone number of this country: {_LOST_ZERO}")
SHORT_ZIP = _warning(f"has fewer than 4 digits: {_LOST_ZERO}")

_EDGE = re.compile(f"{INVISIBLE.pattern[:-1]}\\s]*")
_BREAK = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")
# 's-Hertogenbosch and 't Hooft begin with an apostrophe, too.
_APOSTROPHE = re.compile("'(?=[0-9+=@-])")
_NAMED = re.compile(r"[^<>@]*<\s*([^<>\s]+)\s*>")
_MAILTO = re.compile(r"^mailto:\s*", re.IGNORECASE)
# Three zeros after one sign may be a thousand.
_WHOLE = re.compile("([0-9]+)[.,](?:0{1,2}|0{4,})")
_NUMBERED = (".phone", ".zip")


def clean(
    field: Field, cell: str, *, date_form: str | None = None
) -> tuple[str, list[tuple[Remark, str, str]]]:
    """Return a cell as it is sent, and remarks with it before and after.

    In a warning, both are the same.

    Raises:
        WrongValue: It holds no date, written as `date_form` of `DATE_FORMS`.
    """
    said: list[tuple[Remark, str, str]] = []
    ordinary = field.is_any_text and not suspicious(cell)
    if ordinary or field.name == ORDER_ID or "\0" in cell or not is_text(cell):
        return cell, said
    for remark, step in _steps(field, date_form):
        after = step(cell)
        if after != cell:
            said.append((remark, cell, after))
            cell = after
    said += ((remark, cell, cell) for remark in warnings(field, cell))
    return cell, said


def _steps(
    field: Field, date_form: str | None
) -> Iterator[tuple[Remark, Callable[[str], str]]]:
    """Yield what is done to a cell, in order."""
    is_email = field.rule is EMAIL[KEY]
    numbered = field.is_any_text and field.name.endswith(_NUMBERED)
    if not is_email:
        # Beside an address, it was copied with it: more may be wrong.
        yield UNSEEN, partial(_edges_without, INVISIBLE)
    yield BREAKS, partial(_edges_without, _BREAK)
    yield SPACES, str.strip
    yield FORMULA, partial(_inside, QUOTED)
    yield APOSTROPHE, partial(_without_apostrophe, field.is_any_text)
    if is_email:
        yield ADDRESS, _address
        yield COMPOSED, partial(unicodedata.normalize, "NFC")
    elif field.rule.words:
        words = {it.casefold(): str(it) for it in field.rule.words}
        yield AS_IN_GUIDE, lambda it: words.get(it.casefold(), it)
    elif field.rule is BIRTHDAY[KEY]:
        yield ISO_DATE, partial(_date, field, date_form)
    elif field.is_number:
        yield WHOLE, partial(_inside, _WHOLE)
    else:
        yield PLAIN_SPACES, partial(WIDE.sub, " ")
    if numbered:
        yield UNSEEN, partial(INVISIBLE.sub, "")
        yield WHOLE, partial(_inside, POINT_ZERO)


def _edges_without(signs: re.Pattern[str], cell: str) -> str:
    # From both ends: a pattern for the end alone takes n² steps for n spaces.
    inner, start = _after_edge(cell)
    inner, end = _after_edge(inner[::-1])
    return signs.sub("", start) + inner[::-1] + signs.sub("", end[::-1])


def _after_edge(cell: str) -> tuple[str, str]:
    inner = _EDGE.sub("", cell, count=1)
    return inner, cell[: len(cell) - len(inner)]


def _without_apostrophe(any_text: bool, cell: str) -> str:  # noqa: FBT001
    if not _APOSTROPHE.match(cell) and (any_text or not cell.startswith("'")):
        return cell
    # One version of WooCommerce put one at the end, too.
    return cell[1:].removesuffix("'")


def _address(cell: str) -> str:
    found = _NAMED.fullmatch(cell)
    return _MAILTO.sub("", found[1] if found else cell)


def _date(field: Field, form: str | None, cell: str) -> str:
    right = not cell or not any(field.rule.check(cell, ""))
    return cell if right else read_date(cell, form)


def _inside(pattern: re.Pattern[str], cell: str) -> str:
    found = pattern.fullmatch(cell)
    return found[1] if found else cell


def warnings(field: Field, cell: str) -> Iterator[Remark]:
    """Yield what may be wrong with a text that is sent as it is."""
    if not (field.is_any_text or field.name in OVERRIDES):
        return
    if '"' in cell and field.name.endswith(_NUMBERED):
        yield MARK
    if NOTHING.fullmatch(cell):
        yield EMPTY_WORD
    if FAILED.fullmatch(cell):
        yield ERROR
    if cell.startswith("="):
        yield IS_FORMULA
    if EXPONENT.fullmatch(cell):
        yield SHORTENED
    # Pages are given with what was asked there: /search?name=…
    if MANGLED.search(cell) or ("/" not in cell and LOST.search(cell)):
        yield WRONG_LETTERS
    if INVISIBLE.search(cell):
        yield INVISIBLE_INSIDE


_TOTALS = re.compile(
    r"(?:grand |sub-?|del)?(?:total|totals|totalt|sum|summa|summe|saldo|i alt"
    r"|ialt|yhteensä|antal|antall|antal rader|rows)"
    r"(?:\s*[:=]?|[:=\s]+[0-9][0-9\s.,]*(?:kr|sek|nok|dkk|eur|€)?)",
    re.IGNORECASE,
)
_DAY = re.compile("(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:T00:00:00)?")
_CODE = 2  # Letters.
_NOWHERE = Address()

# How many digits a zip has, and whether it may begin with a zero; of
# countries whose zips have no letters (Universal Postal Union, "Postal
# addressing systems in member countries").
_ZIPS = {
    **dict.fromkeys(("NO", "DK"), (4, True)),
    **dict.fromkeys(("AT", "BE", "BG", "CH", "HU", "LU", "SI"), (4, False)),
    **dict.fromkeys(("DE", "ES", "FI", "FR", "IT", "LT"), (5, True)),
    **dict.fromkeys(("PL", "SK", "US"), (5, True)),
    **dict.fromkeys(("AX", "CZ", "EE", "GR", "HR", "SE"), (5, False)),
    **dict.fromkeys(("FO", "IS"), (3, False)),
    "LV": (4, False),
    "RO": (6, True),
}
_FEWEST_DIGITS = 4
_COUNTRIES = {
    **dict.fromkeys(("norge", "norway", "noreg", "norja", "nor"), "NO"),
    **dict.fromkeys(("danmark", "denmark", "tanska", "dnk"), "DK"),
    **dict.fromkeys(("finland", "suomi", "fin"), "FI"),
    **dict.fromkeys(("åland", "ahvenanmaa", "ala"), "AX"),
    **dict.fromkeys(("sverige", "sweden", "ruotsi", "swe"), "SE"),
    **dict.fromkeys(("tyskland", "germany", "deutschland", "deu"), "DE"),
    **dict.fromkeys(("island", "iceland", "islanti", "isl"), "IS"),
    **dict.fromkeys(("usa", "united states"), "US"),
}
# Where each number begins with a zero or with the code of the country, and
# how long it is without both.
_COUNTRY_CODES = {"SE": "46", "FI": "358", "AX": "358"}
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 9


def doubts(sale: Sale) -> list[tuple[str, Remark]]:
    """Return what may be wrong with an order, with the paths of its fields.

    The path is empty where the whole order is meant.
    """
    order = sale.order
    found: list[tuple[str, Remark]] = []
    user, owner = order.user_data, order.owner_data
    if not (user and user.email) and not (owner and owner.email):
        found.append(("", NO_EMAIL))
    if _TOTALS.fullmatch(order.external_order_id):
        found.append((ORDER_ID, TOTALS))
    elif _DAY.fullmatch(order.external_order_id):
        found.append((ORDER_ID, IS_DATE))
    if user is not None:
        found += _user_doubts("userData", user)
    if owner is not None:
        found += _user_doubts("ownerData", owner)
    return found


def _user_doubts(path: str, user: User) -> Iterator[tuple[str, Remark]]:
    if user.email and not is_public(user.email):
        yield f"{path}.email", NOT_PUBLIC
    if user.invoice_email and not is_public(user.invoice_email):
        yield f"{path}.invoiceEmail", NOT_PUBLIC
    address = user.address or _NOWHERE
    country, code = address.country or "", address.zip or ""
    if country and len(country) != _CODE:
        yield f"{path}.address.country", _no_code(country)
    if remark := _zip_doubt(code, country):
        yield f"{path}.address.zip", remark
    if user.phone and _lacks_zero(user.phone, country):
        yield f"{path}.phone", SHORT_PHONE


def _lacks_zero(phone: str, country: str) -> bool:
    digits = phone.replace(" ", "").replace("-", "")
    if digits.startswith(("0", "+")) or not digits.isdecimal():
        return False
    code = _COUNTRY_CODES.get(_code_of(country), "")
    abroad = digits.startswith(code) and len(digits) > _LONGEST_PHONE
    return bool(code) and len(digits) >= _SHORTEST_PHONE and not abroad


def _code_of(country: str) -> str:
    name = country.strip()
    return _COUNTRIES.get(name.casefold(), name.upper())


@lru_cache(maxsize=1024)
def _no_code(country: str) -> Remark:
    """Return what to write; a name is shown only if it is one we know."""
    code = _COUNTRIES.get(country.strip().casefold())
    if code is None:
        return NO_CODE
    name = country.strip()
    return _warning(f"'{name}' is not a code of two letters: write {code}")


@lru_cache(maxsize=4096)
def _zip_doubt(zip_code: str, country: str) -> Remark | None:
    digits = zip_code.replace(" ", "")
    if not digits.isdecimal():
        return None
    code = _code_of(country)
    known = _ZIPS.get(code)
    if known is None:
        short = not code and len(digits) < _FEWEST_DIGITS
        return SHORT_ZIP if short else None
    length, zeros = known
    if len(digits) >= length:
        return None
    said = f"is too short for {code}"
    return _warning(f"{said}: {_LOST_ZERO}" if zeros else said)
