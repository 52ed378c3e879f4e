"""The encoding of a file of text: given, said by the file, or found out."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path

import attrs

from sesamy_async.bulk._states import InputFileError

from ._files import beginning, unpacked


UTF_8 = "utf-8-sig"
"""UTF-8, with or without a byte order mark."""

_MARKS = {  # That of UTF-32 begins with that of UTF-16.
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SOME = 0.3  # Of the characters of a header, far more are ASCII.
_CHUNK = 1024 * 1024
_WIDE = ("utf-16", "utf-32")


@attrs.frozen
class FoundEncoding:
    """An encoding; None if no encoding makes sense of the bytes."""

    encoding: str | None
    rival: str | None = None  # Another one that makes as much sense.
    byte: int = 0  # The two read it as different letters.


def encoding_of(path: Path, given: str | None = None) -> FoundEncoding:
    """Return the encoding of a file: the given one, if it is not wrong.

    Raises:
        InputFileError: The file can't be read, its encoding can't be found
            out, or the given one contradicts the file.
    """
    name = None if given is None else _checked(given)
    start = beginning(path)
    marks = (name for mark, name in _MARKS.items() if start.startswith(mark))
    if found := next(marks, None) or wide(start):
        # UTF-16 is told with and without its order of bytes.
        return _agreed(path, name, given, found, same=found[:6])
    with unpacked(path) as (_, _, content):
        right, only_ascii = is_utf_8(_chunks(content))
    if only_ascii and (name is None or not name.startswith(_WIDE)):
        # The encodings that are left have the same ASCII, or say its place.
        return FoundEncoding(name or UTF_8)
    if right:
        return _agreed(path, name, given, UTF_8, same="utf-8")
    if name is not None:
        return FoundEncoding(name)
    with unpacked(path) as (_, _, content):
        legacy = find_out(_chunks(content))
    if legacy.encoding is None:
        raise InputFileError(
            f"The encoding of {path.name} can't be found out. Save the file "
            "as UTF-8, or give the right --encoding."
        )
    return legacy


def _agreed(
    path: Path, name: str | None, given: str | None, found: str, *, same: str
) -> FoundEncoding:
    if name is None or name.replace("_", "-").startswith(same):
        return FoundEncoding(found)
    is_in = "UTF-8" if found == UTF_8 else found.upper()
    raise InputFileError(
        f"{path.name} is {is_in}, and not {given}. Leave --encoding out."
    )


def _chunks(content: BufferedReader) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk
        del chunk


def _checked(encoding: str) -> str:
    """Return the name of a text encoding that Python has."""
    try:
        name = codecs.lookup(encoding).name
        # An encoding that is not of text, such as base64, is refused here.
        "a".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(
            f"The encoding {encoding!r} is unknown. Spreadsheets in Western "
            "Europe write cp1252 or utf-8; give it as --encoding."
        ) from None
    return UTF_8 if name == "utf-8" else name


def wide(start: bytes) -> str | None:
    """Return which UTF-16 without a mark it is; None if it is none.

    A header is mostly ASCII, of which every second byte is zero.
    """
    start = start.rstrip(b"\0")
    zeros = [start[at::2].count(0) / max(len(start) // 2, 1) for at in (0, 1)]
    if min(zeros) > _SOME or max(zeros) < _SOME:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def is_utf_8(chunks: Iterable[bytes]) -> tuple[bool, bool]:
    """Whether all bytes are UTF-8, and whether all are ASCII."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    only_ascii = True
    try:
        for chunk in chunks:
            if not (only_ascii and chunk.isascii()):
                only_ascii = False
                decode(chunk)
            del chunk
        decode(b"", final=True)
    except UnicodeDecodeError:
        return False, False
    return True, only_ascii


_ALPHABETS = {  # What is not ASCII in it.
    "Nordic": "åäöøæé",
    "Icelandic": "áðéíóúýþæö",
    "Sami": "áčđŋšŧžåäöøæ",
    "Estonian": "äöüõšž",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Croatian": "čćđšž",
    "Romanian": "ăâîşţ",
    "German": "äöüß",
    "French": "àâçéèêëîïôùûüÿœæ",
    "Italian": "àèéìíòóùú",
    "Spanish": "áéíñóúü",
    "Portuguese": "àáâãçéêíóôõú",
    "Turkish": "çğıöşüâ",
}
_LETTERS = {*"".join(_ALPHABETS.values())}
# Signs that may stand before a letter, after one, and between two.  Some are
# escaped, because they look like others.
_BEFORE = {*"“„«¿¡©§\xa0\u2018\u2013"}
_AFTER = {*"”“»©®™°²³…\xa0\xb4\u2019\u2013"}
_BETWEEN = {*"\xa0\xad\xb4\xb7\u2013\u2018\u2019"}
_SIGNS = {*"€£½¼¾•±µ\xd7"} | _BEFORE | _AFTER | _BETWEEN
_CANDIDATES = (  # The likelier one first.
    *("cp1252", "cp850", "mac_roman", "iso8859_15"),
    *("cp1257", "cp1250", "iso8859_2", "cp852", "cp1254"),
)

_HIGH = re.compile(rb"([\0-\x7f]?[\x80-\xff]+)(?=([\0-\x7f]?))")
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}"
)
_WHOLE = 3  # Parts.
_PART_OF = 32_768
_FEWEST_WRONG = 10
_CLEAR = 0.5
# A single "š" of Windows would be an "ö" of a Mac, and make as much sense.
_USUAL, _CLEARER = "cp1252", 1.05
_ASCII = bytes(range(0x80))


def find_out(chunks: Iterable[bytes]) -> FoundEncoding:
    """Return the encoding of bytes that are not UTF-8 as a whole.

    The letters that the bytes between ASCII letters would be tell it: ``„``
    in ``M„rta`` and ``Š`` in ``BjŠrn`` are none.  All letters are measured
    by the language to which most of them belong.  If many of the bytes are
    right UTF-8, it is UTF-8 with mistakes.
    """
    kinds = Counter[tuple[bytes, bytes]]()
    for number, chunk in enumerate(chunks):
        # Of a large file, a part of each part will do.
        kinds.update(
            _HIGH.findall(
                chunk, 0, len(chunk) if number < _WHOLE else _PART_OF
            )
        )
        del chunk
    right = wrong = 0
    for (run, _), count in kinds.items():
        right += count * len(_SEQUENCE.findall(run))
        wrong += count * len(_SEQUENCE.sub(b"", run).translate(None, _ASCII))
    if right * _FEWEST_WRONG >= wrong:
        return FoundEncoding(UTF_8)
    words = {before + after: count for (before, after), count in kinds.items()}
    read = [
        reading
        for name in _CANDIDATES
        if (reading := _Decoded.of(name, words)) is not None
    ]
    best = max(read, key=lambda each: each.score, default=None)
    if best is None or best.score < 0:
        return FoundEncoding(None)
    for other in read:
        differing = [
            (byte, count)
            for byte, count in best.high.items()
            if best.letter(byte) != other.letter(byte)
        ]
        number = sum(count for _, count in differing)
        clear = _CLEAR if other.encoding != _USUAL else _CLEARER
        if number and best.score - other.score < clear * number:
            byte, _ = max(differing, key=lambda each: each[1])
            return FoundEncoding(best.encoding, other.encoding, byte)
    return FoundEncoding(best.encoding)


@attrs.frozen
class _Decoded:
    """How much sense the words make in an encoding."""

    encoding: str
    score: int
    high: Counter[int] = attrs.field(repr=False)

    @classmethod
    def of(cls, encoding: str, words: dict[bytes, int]) -> _Decoded | None:
        """Read them; None if they have bytes that the encoding has not."""
        signs = 0
        letters = Counter[str]()
        found = Counter[int]()
        for word, count in words.items():
            try:
                text = word.decode(encoding)
            except UnicodeDecodeError:
                return None
            for byte in word.translate(None, _ASCII):
                found[byte] += count
            for before, char, after in zip(
                f" {text}", text, f"{text[1:]} ", strict=False
            ):
                if char >= "\x80":
                    fits = _fits(before, char, after)
                    signs += count * fits
                    if fits == 0:
                        letters[char.lower()] += count
        return cls(encoding, signs + _best(letters), found)

    def letter(self, byte: int) -> str:
        return bytes([byte]).decode(self.encoding, "replace")


def _fits(before: str, char: str, after: str) -> int:
    """Return how well a character goes with its neighbours."""
    if not char.isalpha():
        places = (_SIGNS, _BEFORE, _AFTER, _BETWEEN)
        place = places[2 * before.isalpha() + after.isalpha()]
        return 3 if char in place else -3
    wrong = (
        # "1œ" is "1½", and "10 Ä" is "10 €".
        before.isdigit()
        or after.isdigit()
        or not (before + after).strip()
        # "BjŠrn", "JÅrgen", "HèKAN" and "ôREBRO"; and other alphabets.
        or (char.isupper() and before.islower())
        or (char.isupper() and before.isalpha() and after.islower())
        or (char.islower() and after.isupper())
        or (min(before, after) >= "\x80" and (before + after).isalpha())
    )
    return -3 if wrong else 0


def _best(letters: Counter[str]) -> int:
    """Return how well letters go with the language that they fit best."""
    any_language = sum(
        count if letter in _LETTERS else -2 * count
        for letter, count in letters.items()
    )
    return any_language + max(
        (4 if name == "Nordic" else 3)
        * sum(letters[letter] for letter in alphabet)
        for name, alphabet in _ALPHABETS.items()
    )
