"""A mapping that is proposed for a file with headers of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs

from sesamy_async._checks import is_text
from sesamy_async.bulk._rows import IGNORED

from ._fields import ORDER_ID, blind, field_of, folded
from ._looks import (
    KNOWN,
    LOOKS,
    OWNER,
    SURE,
    Meaning,
    are_ids,
    contradicts,
    date_form,
    is_order,
    known,
    known_name,
    looked_up,
    part_of,
)


__all__ = ["Guess", "Proposal", "Words", "is_path", "known_name", "propose"]

_STATES = frozenset(
    (
        *("status", "state", "orderstatus", "paymentstatus", "tila"),
        *("financialstatus", "subscriptionstatus", "invoicestatus"),
        *("betalstatus", "betalningsstatus", "betalingsstatus", "orderstate"),
        *("ordrestatus", "fakturastatus", "maksuntila", "tilauksentila"),
        *("maksutila", "tilausstatus", "ordrestatus", "bestillingsstatus"),
    )
)
_MOST_STATES = 12
_WORDS = {"paymentMethod", "paymentProvider", "gender"}
_CONSTANTS = {
    "paymentProvider": '"BILLOGRAM"',
    "paymentMethod": '"INVOICE"',
    "quantity": "1",
}


@attrs.frozen
class Guess:
    """What is said of a column.

    Attributes:
        index: Its place in a row.
        header: Its name in the file.
        path: The path of the field that it holds; empty if it is left out.
        why: Why it is that, or why it is left out.
        nameable: Whether a mapping can name it: it has a name, and no other
            column has the same one.
    """

    index: int
    header: str
    path: str = ""
    why: str = ""
    nameable: bool = True


@attrs.frozen
class Words:
    """The words of a column that stand for others.

    Attributes:
        known: What they stand for.
        unsure: Those that could be several things.
    """

    known: Mapping[str, str]
    unsure: Sequence[str]


@attrs.frozen
class Proposal:
    """What the columns of a file seem to be.

    Attributes:
        columns: All columns but those whose header begins with "#".
        rows: The first rows of the file; personal, and in no repr.
        headless: Whether the header looks like an order: then there are no
            columns.
        filter: The words that the rows of orders have in a column, by its
            header.
    """

    columns: tuple[Guess, ...]
    rows: Sequence[Sequence[str]] = attrs.field(repr=False, eq=False)
    headless: bool = False
    filter: Mapping[str, Sequence[str]] = attrs.field(
        factory=dict[str, Sequence[str]]
    )

    @property
    def paths(self) -> dict[str, Guess]:
        """The columns that are sent, by path."""
        return {it.path: it for it in self.columns if it.path}

    @property
    def usable(self) -> bool:
        """Whether an import can use it as it is."""
        return ORDER_ID in self.paths

    def possible_ids(self) -> list[Guess]:
        """Return the columns that may hold the ids of the orders."""
        return [
            it
            for it in self.columns
            if it.nameable and not it.path and are_ids(self.cells(it.index))
        ]

    def states(self) -> dict[str, list[str]]:
        """Return the columns that may say which rows are orders.

        With their words, by their headers.
        """
        found: dict[str, list[str]] = {}
        for it in self.columns:
            if it.nameable and not it.path and blind(it.header) in _STATES:
                words = {folded(each): each for each in self.cells(it.index)}
                if 1 < len(words) <= _MOST_STATES:
                    found[it.header] = [*words.values()]
        return found

    def cells(self, index: int) -> list[str]:
        """Return the cells of a column that are not empty."""
        texts = ("".join(row[index : index + 1]).strip() for row in self.rows)
        return [text for text in texts if text]

    def with_path(self, index: int, path: str) -> Proposal:
        """Return a proposal in which a column holds something else.

        A column that held it before is left out.
        """

        def changed(it: Guess) -> Guess:
            if it.index == index:
                why = "your choice"
                return attrs.evolve(it, path=path, why=why)
            if path and it.path == path:
                return attrs.evolve(it, path="", why="another was chosen")
            return it

        return attrs.evolve(self, columns=tuple(map(changed, self.columns)))

    def words(self) -> dict[str, Words]:
        """Return the known words that stand for others, by path."""
        return {
            path: self._words(path)
            for path in self.paths
            if part_of(path) in _WORDS
        }

    def _words(self, path: str) -> Words:
        table, part = known(), part_of(path)
        right = {*table.words[part].values()}
        found: dict[str, str] = {}
        unsure: dict[str, str] = {}
        for cell in self.cells(self.paths[path].index):
            word = folded(cell)
            stands = table.word(part, cell)
            if stands and cell not in right:
                found.setdefault(word, cell)
            elif stands is None:
                unsure.setdefault(word, cell)
        return Words(
            {it: table.word(part, it) or "" for it in found.values()},
            [*unsure.values()],
        )

    def toml(self, name: str) -> str:
        """Return a mapping file; it holds headers, and no other cells.

        Args:
            name: The name of the file that it is for.
        """
        return "\n".join([*_toml(self, name), ""])


def propose(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Proposal:
    """Propose what the columns of a file are.

    Names count first, then what the cells look like.  A column that is
    mapped wrong is worse than one that is left out.

    Args:
        header: The names of the columns.
        rows: The first rows below them.
    """
    if is_order(header):
        return Proposal((), (), headless=True)
    names = Counter(map(blind, header))
    blank = Proposal(
        tuple(
            _nameable(Guess(index, text), names)
            for index, text in enumerate(map(str.strip, header))
            if not text.startswith(IGNORED)
        ),
        rows,
    )
    claims = sorted(
        (
            (-meaning.score, meaning.rank, guess.index, meaning.path, why)
            for guess in blank.columns
            if guess.nameable
            for meaning, why in _claims(guess.header, blank.cells(guess.index))
        ),
    )
    owners = {claim[3] for claim in claims if claim[3].startswith(OWNER)}
    taken: dict[str, int] = {}
    given: dict[int, tuple[str, str]] = {}
    for _, _, index, path, why in claims:
        if path.startswith(OWNER) and f"{OWNER}email" not in owners:
            continue
        if path not in taken and index not in given:
            taken[path] = index
            given[index] = (path, why)
    return attrs.evolve(
        blank,
        columns=tuple(
            attrs.evolve(it, path=given[it.index][0], why=given[it.index][1])
            if it.index in given
            else _left_out(it, blank, taken)
            for it in blank.columns
        ),
    )


def _nameable(guess: Guess, names: Mapping[str, int]) -> Guess:
    if not guess.header:
        why = "it has no name"
    elif not is_text(guess.header) or "\0" in guess.header:
        why = "its name can't be written"
    elif names[blind(guess.header)] > 1:
        why = "several columns have this name"
    else:
        return guess
    return attrs.evolve(guess, why=why, nameable=False)


def _claims(
    header: str, cells: Sequence[str]
) -> Iterator[tuple[Meaning, str]]:
    table = known()
    found = [it for it in table.meanings(header) if not contradicts(it, cells)]
    for it in found:
        sure = it.score >= SURE
        why = "known name" if sure else "known name, and its values fit"
        yield it, "documented name" if it.score > KNOWN else why
    if not found and not table.elsewhere(header):
        path, what = looked_up(cells)
        # A name that says something else is believed.
        if path and not table.meanings(header):
            yield Meaning(path, LOOKS), f"its values look like {what}"


def _left_out(
    guess: Guess, blank: Proposal, taken: Mapping[str, int]
) -> Guess:
    if not guess.nameable:
        return guess
    meanings = known().meanings(guess.header)
    cells = blank.cells(guess.index)
    better = [
        it.path
        for it in meanings
        if it.path in taken and not contradicts(it, cells)
    ]
    sure = [it.path for it in meanings if it.score >= SURE]
    if known().elsewhere(guess.header):
        why = "not part of an order"
    elif better:
        [other] = (
            it.header for it in blank.columns if it.index == taken[better[0]]
        )
        why = f"{better[0]} is already {_quoted(other)}"
    elif any(it.path.startswith(OWNER) for it in meanings):
        why = "of a recipient, whose e-mail address is missing"
    elif sure:
        why = f"its values don't look like {sure[0]}"
    elif meanings:
        why = "its name can mean several things"
    else:
        why = "unknown name"
    return attrs.evolve(guess, why=why)


_ABOUT = """\
Its lines say what each column of the file holds.  They were proposed from
the names of the columns and from what is in them: look through them, and
correct what is wrong.  Lines that begin with # are not read."""


def _toml(proposal: Proposal, name: str) -> Iterator[str]:
    yield f"# A mapping for {_quoted(name)}."
    yield from (f"# {line}" for line in _ABOUT.split("\n"))
    yield from _ignored(proposal)
    paths = proposal.paths
    yield ""
    yield '# "header in the file" = "path in the order"'
    yield "[columns]"
    for path, it in paths.items():
        yield f"{_quoted(it.header)} = {_quoted(path)}  # {it.why}"
    yield from _missing_id(proposal)
    if "userData.email" not in paths:
        yield "# No column is userData.email: the contract is tied to it."
    yield ""
    yield "# What is the same in all orders."
    yield "[constants]"
    for path, value in _CONSTANTS.items():
        if path not in paths:
            yield f"# {path} = {value}"
    for path, words in proposal.words().items():
        yield from _values(path, words)
    yield from _dates(proposal)
    yield from _filter(proposal)


def _filter(proposal: Proposal) -> Iterator[str]:
    states = proposal.states()
    if not states:
        return
    off = "" if proposal.filter else "# "
    yield ""
    yield "# Which rows are orders, if not all are: those with these words."
    yield f"{off}[filter]"
    for header, words in states.items():
        chosen = proposal.filter.get(header)
        off = "# " if chosen is None else ""
        listed = ", ".join(map(_quoted, chosen or words))
        yield f"{off}{_quoted(header)} = [{listed}]"


def _ignored(proposal: Proposal) -> Iterator[str]:
    for it in proposal.columns:
        if not it.nameable:
            yield f"# Column {it.index + 1}: {it.why}."
    left = [
        it
        for it in proposal.columns
        if it.nameable and not it.path and it.header not in proposal.filter
    ]
    yield ""
    yield "# Columns that are not sent."
    if not left:
        yield "ignore = []"
        return
    yield "ignore = ["
    yield from (f"    {_quoted(it.header)},  # {it.why}" for it in left)
    yield "]"


def _missing_id(proposal: Proposal) -> Iterator[str]:
    if proposal.usable:
        cells = proposal.cells(proposal.paths[ORDER_ID].index)
        if len({*cells}) < len(cells):
            yield "# Some orders have several rows.  If their quantities are"
            yield "# to be added up, write at the top of this file:"
            yield '# lines_per_order = "several"'
        return
    yield f"# No column certainly is {ORDER_ID}, the id of the order, and an"
    yield "# import needs it: an id must be different in each order, and must"
    yield "# never be used again, not even in the next file."
    possible = proposal.possible_ids()
    if possible:
        yield "# If it is one of these, remove the # before it, and the same"
        yield "# name from the list above:"
    for it in possible:
        yield f"# {_quoted(it.header)} = {_quoted(ORDER_ID)}"


def _values(path: str, words: Words) -> Iterator[str]:
    if words.known or words.unsure:
        yield ""
        yield "# What the words in its cells are in an order."
        yield f"[values.{path if '.' not in path else _quoted(path)}]"
        for word, stands in words.known.items():
            yield f"{_quoted(word)} = {_quoted(stands)}"
    if words.unsure:
        choice = sorted({*known().words[part_of(path)].values()})
        yield f"# Say what these are: {', '.join(choice)}."
        yield from (f'# {_quoted(it)} = "EXTERNAL"' for it in words.unsure)


def _dates(proposal: Proposal) -> Iterator[str]:
    for path, it in proposal.paths.items():
        if part_of(path) == "birthday":
            form, certain = date_form(proposal.cells(it.index))
            if form:
                yield ""
                yield "# How dates are written."
                yield "[dates]"
                if not certain:
                    yield "# If the day comes first, remove the # before it;"
                    yield "# if the month does, change the form, too."
                off = "" if certain else "# "
                yield f"{off}{_quoted(path)} = {_quoted(form)}"


def _quoted(text: str) -> str:
    """Return a text as TOML writes it, so that nothing in it is hidden."""
    kept = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"{}"'.format(
        "".join(
            char if char.isprintable() else f"\\U{ord(char):08x}"
            for char in kept
        )
    )


def is_path(text: str) -> bool:
    """Whether a text is the path of a field."""
    return field_of(text) is not None
