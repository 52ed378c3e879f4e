"""What the cells of a column look like, and what its name may mean."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from importlib.resources import files
from itertools import groupby
from typing import Any, TypeAlias

import attrs

from ._fields import ORDER_ID, blind, field_of


_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ð": "d", "þ": "th"})


@lru_cache(maxsize=1024)
def key(name: str) -> str:
    """Return a name without case, spaces, punctuation and accents."""
    text = unicodedata.normalize("NFKD", blind(name)).translate(_LETTERS)
    return "".join(filter(str.isalnum, text))


@attrs.frozen
class Meaning:
    """What a name may mean."""

    path: str
    score: int  # How much the name says; `SURE` is enough.
    rank: int = 0  # Among the names of that path; the first is best.


DOCUMENTED, KNOWN, SURE, PERHAPS, LOOKS = 100, 80, 70, 60, 40
_OF_A_PARTY = 5  # "Email" says more than "Customer email".

OWNER = "ownerData."
"""The beginning of the paths of an owner who does not pay."""

_HOLDERS = {"payer": "userData.", "owner": OWNER}


@attrs.frozen
class Known:
    """The table of names and words in headers.toml, by their keys."""

    order: Mapping[str, Sequence[Meaning]]
    person: Mapping[str, Sequence[Meaning]]
    parties: Mapping[str, str]
    others: frozenset[str]
    words: Mapping[str, Mapping[str, str]]
    unsure: Mapping[str, frozenset[str]]

    def meanings(self, name: str) -> list[Meaning]:
        """Return what the name of a column may mean."""
        if field_of(name.strip()):
            return [Meaning(name.strip(), DOCUMENTED)]
        word = key(name)
        own = [*self.order.get(word, ()), *self._of("payer", word)]
        if word in self.others or any(it.score == KNOWN for it in own):
            return own
        for rest, kind in self._parted(word):
            if kind in _HOLDERS:
                own += self._of(kind, rest, less=_OF_A_PARTY)
        return own

    def elsewhere(self, name: str) -> bool:
        """Whether what has this name is never part of an order."""
        word = key(name)
        return word in self.others or any(
            kind == "nobody" and (not rest or rest in self.person)
            for rest, kind in self._parted(word)
        )

    def word(self, part: str, cell: str) -> str | None:
        """Return what a word stands for; "" if unknown, None if unsure."""
        if key(cell) in self.unsure.get(part, ()):
            return None
        return self.words[part].get(key(cell), "")

    def _parted(self, word: str) -> Iterator[tuple[str, str]]:
        """Yield what is left of a word without a party, and its kind."""
        longest = max(map(len, self.parties))
        for size in range(1, min(len(word), longest) + 1):
            if kind := self.parties.get(word[:size]):
                yield word[size:], kind
            if kind := self.parties.get(word[-size:]):
                yield word[:-size], kind

    def _of(self, kind: str, word: str, less: int = 0) -> Iterator[Meaning]:
        for it in self.person.get(word, ()):
            path = f"{_HOLDERS[kind]}{it.path}"
            yield Meaning(path, it.score - less, it.rank)


@cache
def known() -> Known:
    """Return the table of names that is shipped."""
    text = files("sesamy_async.bulk.reading").joinpath("headers.toml")
    table = tomllib.loads(text.read_text("utf-8"))
    return Known(
        order=_meanings(table, "order"),
        person=_meanings(table, "person"),
        parties={
            key(word): kind
            for kind, words in table["parties"].items()
            for word in words
        },
        others=frozenset(map(key, table["other"]["names"])),
        words={
            part: {key(it): to for to, words in by.items() for it in words}
            for part, by in table["words"].items()
        },
        unsure={
            part: frozenset(map(key, words))
            for part, words in table["unsure"].items()
        },
    )


def _meanings(
    table: Mapping[str, Any], part: str
) -> dict[str, Sequence[Meaning]]:
    found: dict[str, list[Meaning]] = {}
    for section, score in ((part, KNOWN), (f"{part}_perhaps", PERHAPS)):
        for path, names in table[section].items():
            for rank, name in enumerate(names):
                # "#" is a name, but nothing of it is left in a key.
                if word := key(name):
                    found.setdefault(word, []).append(
                        Meaning(path, score, rank)
                    )
    return {**found}


EMAIL = re.compile(
    r"<?(?:mailto:)?[^\s@,;<>]+@[^\s@,;<>]+\.\w{2,}>?", re.IGNORECASE
)
# With a country, so that it is no number of anything else.
_ABROAD = re.compile(r"(?:\+|00)[1-9][\d ()/.-]{6,18}")
_PHONE = re.compile(r"'?\+?[\d ()/.-]{5,22}")
_ZIP = re.compile(r"'?(?=.*\d)[A-Z\d][A-Z\d -]{2,9}")
_SWEDISH_ZIP = re.compile(r"(?:SE?[ -]?)?[1-9]\d\d \d\d")
_DATE = re.compile(
    r"(?:19|20)\d\d-?[01]\d-?[0-3]\d|[0-3]?\d([./-])[0-3]?\d\1(?:19|20)\d\d"
)
_COUNT = re.compile(r"\d{1,3}")
_AMOUNT = re.compile(r"-?\d+[.,]\d{1,2}")
_ID = re.compile(r"(?=.*\d)[^\s@]+(?: [^\s@]+)?")
_CUSTOMER = ("cus_", "acct_")  # Ids of customers at Stripe.
_LONGEST_ID = 64
_COMPANY = re.compile(
    r"(?:^|\s)(?:AB|HB|KB|AS|A/S|ASA|ApS|Oy|Oyj|Ab|Ltd|Inc|GmbH|IVS|Ky|Ry|"
    r"kommun|kommune|förening|forening)\.?$",
    re.IGNORECASE,
)
_VAT = re.compile(
    r"SE\d{10}01|(?:NO)?\d{9}(?:MVA)?|(?:DK)?\d{8}|(?:FI)?\d{7}-?\d"
    r"|[A-Z]{2}(?=.*\d)[\dA-Z]{8,12}"
)
_NORDIC = {"SE", "NO", "DK", "FI", "IS", "AX", "FO", "GL"}
_DISTINCT = (_NORDIC - {"NO", "IS"}) | {"SWE", "NOR", "DNK", "FIN"}


def _is_phone(cell: str) -> bool:
    digits = sum(map(str.isdigit, cell))
    return (
        _PHONE.fullmatch(cell) is not None
        and 5 <= digits <= 15  # noqa: PLR2004 - ITU-T E.164
        and not _DATE.fullmatch(cell)
        and not _AMOUNT.fullmatch(cell)
    )


def _is_id(cell: str) -> bool:
    return (
        len(cell) <= _LONGEST_ID
        and _ID.fullmatch(cell) is not None
        and not _AMOUNT.fullmatch(cell)
        and not _DATE.fullmatch(cell)
        and not _ABROAD.fullmatch(cell)
        and not cell.startswith(_CUSTOMER)
    )


def _is_words(cell: str) -> bool:
    """Whether it may be the name of a person or a place."""
    return any(map(str.isalpha, cell)) and not re.search(r"[\d@]", cell)


def _is_person(cell: str) -> bool:
    return _is_words(cell) and not _COMPANY.search(cell)


def _is_text(cell: str) -> bool:
    return any(map(str.isalpha, cell)) and not EMAIL.fullmatch(cell)


def _is_word_of(part: str, cell: str) -> bool:
    return known().word(part, cell) != ""


_Looks: TypeAlias = Callable[[str], object]
_LOOKS: Mapping[str, _Looks] = {
    ORDER_ID: _is_id,
    "quantity": _COUNT.fullmatch,
    "email": EMAIL.fullmatch,
    "invoiceEmail": EMAIL.fullmatch,
    "phone": _is_phone,
    "birthday": _DATE.fullmatch,
    "zip": lambda cell: _ZIP.fullmatch(cell.upper()),
    "country": _is_words,
    "city": _is_words,
    "street": _is_text,
    "co": _is_text,
    "fullName": _is_person,
    "firstName": _is_words,
    "lastName": _is_words,
    "companyName": _is_text,
    "vatNr": lambda cell: _VAT.fullmatch(cell.replace(" ", "")),
    "gender": partial(_is_word_of, "gender"),
    "paymentMethod": partial(_is_word_of, "paymentMethod"),
    "paymentProvider": partial(_is_word_of, "paymentProvider"),
}
MOST, FEW = 0.8, 0.5


def part_of(path: str) -> str:
    """Return the last part of a path, which says what is in it."""
    return path.rpartition(".")[2]


def _share(looks: _Looks, cells: Sequence[str]) -> float:
    return sum(bool(looks(cell)) for cell in cells) / max(len(cells), 1)


def contradicts(meaning: Meaning, cells: Sequence[str]) -> bool:
    """Whether cells can't be what a name means, or don't look like it.

    They have to look like it if the name does not say enough.
    """
    part = part_of(meaning.path)
    looks = _LOOKS.get(part)
    if meaning.score == DOCUMENTED or looks is None:
        return False
    if meaning.score < SURE:
        return (
            not cells
            or _share(looks, cells) < MOST
            or not _STRICTER.get(part, bool)(cells)
        )
    if not cells:
        return False
    providers = _share(_LOOKS["paymentProvider"], cells) >= MOST
    if part in {"paymentMethod", "paymentProvider"}:
        # Both are called the way to pay.
        return providers != (part == "paymentProvider") or (
            _share(looks, cells) < FEW
        )
    return _share(looks, cells) < FEW


def are_ids(cells: Sequence[str]) -> bool:
    """Whether each cell may be the id of an order, and of one only.

    An order may have several rows, one below the other.  Numbers that count
    from 1 are those of the rows: the next file has them too.
    """
    runs = [cell for cell, _ in groupby(cells)]
    counted = runs in (
        [str(it) for it in range(first, first + len(runs))] for first in (0, 1)
    )
    return (
        _share(_is_id, cells) >= MOST
        and len({*runs}) == len(runs) > 1
        and not counted
    )


def _several(cells: Sequence[str]) -> bool:
    """Whether the cells differ, as those of people do."""
    return len({*cells}) > len(cells) * FEW


_STRICTER: Mapping[str, Callable[[Sequence[str]], bool]] = {
    ORDER_ID: are_ids,
    "companyName": lambda it: _share(_COMPANY.search, it) >= FEW,
    "fullName": _several,
}


def _are_countries(cells: Sequence[str]) -> bool:
    words = {cell.upper() for cell in cells}
    return bool(words & _DISTINCT) and words <= _NORDIC | _DISTINCT


_UNNAMED: Sequence[tuple[str, str, Callable[[Sequence[str]], bool]]] = (
    (
        "userData.email",
        "e-mail addresses",
        lambda it: _several(it) and _share(EMAIL.fullmatch, it) >= MOST,
    ),
    (
        "userData.phone",
        "phone numbers",
        lambda it: _several(it) and _share(_ABROAD.fullmatch, it) >= MOST,
    ),
    (
        "userData.address.zip",
        "postal codes",
        lambda it: _share(_SWEDISH_ZIP.fullmatch, it) >= MOST,
    ),
    ("userData.address.country", "country codes", _are_countries),
    (
        "paymentProvider",
        "payment providers",
        lambda it: _share(_LOOKS["paymentProvider"], it) == 1,
    ),
    (
        "paymentMethod",
        "ways to pay",
        # The brands of cards would be all the same.
        lambda it: (
            _share(_LOOKS["paymentMethod"], it) == 1
            and len({known().word("paymentMethod", cell) for cell in it}) > 1
        ),
    ),
)


def looked_up(cells: Sequence[str]) -> tuple[str, str]:
    """Return the path of cells whose name is unknown, and what they are."""
    for path, what, fits in _UNNAMED:
        # One cell says too little.
        if len(cells) > 1 and fits(cells):
            return path, what
    return "", ""


def known_name(cell: str) -> bool:
    """Whether a cell is a name that columns have."""
    return bool(known().meanings(cell)) or known().elsewhere(cell)


def is_order(header: Sequence[str]) -> bool:
    """Whether what should be names of columns are the cells of an order."""
    names = sum(map(known_name, header))
    numbers = sum(
        any(map(str.isdigit, it)) and not any(map(str.isalpha, it))
        for it in header
    )
    return any(EMAIL.fullmatch(it.strip()) for it in header) or (
        numbers > names
    )


_DAY_FIRST = re.compile(r"([0-3]?\d)([./-])([0-3]?\d)\2\d{4}")
_PACKED = re.compile(r"(?:19|20)\d{6}")
_MONTHS = 12


def date_form(cells: Sequence[str]) -> tuple[str, bool]:
    """Return how dates are written, "" for ISO 8601, and if that is sure."""
    if cells and all(map(_PACKED.fullmatch, cells)):
        return "YYYYMMDD", True
    found = [it for it in map(_DAY_FIRST.fullmatch, cells) if it]
    if not found or len(found) < len(cells) * MOST:
        return "", True
    sign = found[0][2]
    first, second = (max(int(it[at]) for it in found) for at in (1, 3))
    if second > _MONTHS:
        # Nobody writes the month first with dots.
        return ("" if sign == "." else f"MM{sign}DD{sign}YYYY"), True
    return f"DD{sign}MM{sign}YYYY", first > _MONTHS or sign == "."
