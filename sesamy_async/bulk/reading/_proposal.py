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
    looked_up,
    part_of,
)


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
    """What a column is, and why; without a path, it is left out."""

    index: int
    header: str
    path: str = ""
    why: str = ""
    nameable: bool = True  # Whether a mapping can name it.


@attrs.frozen
class Words:
    """The words of a column that stand for others."""

    known: Mapping[str, str]
    unsure: Sequence[str]  # They could be several things.
    to_ask: Sequence[str]  # Of payments: these, and unknown ones.
    choice: Sequence[str]  # What they can stand for.


@attrs.frozen
class Proposal:
    """What the columns of a file seem to be.

    Attributes:
        columns: All columns but those whose header begins with "#".
        rows: The first rows of the file; personal.
        headless: Whether the header looks like an order: then there are no
            columns.
        filter: The words in the rows of orders, by the header.
        meant: What a person says that words stand for, by path.
    """

    columns: tuple[Guess, ...]
    rows: Sequence[Sequence[str]] = attrs.field(repr=False, eq=False)
    headless: bool = False
    filter: Mapping[str, Sequence[str]] = attrs.field(
        factory=dict[str, Sequence[str]]
    )
    meant: Mapping[str, Mapping[str, str]] = attrs.field(
        factory=dict[str, Mapping[str, str]]
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
        """Return the words of columns that may say which rows are orders."""
        found: dict[str, list[str]] = {}
        for it in self.columns:
            if it.nameable and not it.path and blind(it.header) in _STATES:
                words = {folded(each): each for each in self.cells(it.index)}
                if 1 < len(words) <= _MOST_STATES:
                    found[it.header] = [*words.values()]
        return found

    def cells(self, index: int) -> list[str]:
        texts = ("".join(row[index : index + 1]).strip() for row in self.rows)
        return [text for text in texts if text]

    def with_path(self, index: int, path: str) -> Proposal:
        """Return a proposal in which a column holds something else.

        A column that held it before is left out.
        """

        def changed(it: Guess) -> Guess:
            if it.index == index:
                return attrs.evolve(it, path=path, why="your choice")
            if path and it.path == path:
                return attrs.evolve(it, path="", why="another was chosen")
            return it

        return attrs.evolve(self, columns=tuple(map(changed, self.columns)))

    def words(self) -> dict[str, Words]:
        """Return the known words that stand for others, by path."""
        table, found = known(), dict[str, Words]()
        for path, it in self.paths.items():
            part = part_of(path)
            if part in _WORDS:
                cells: dict[str, str] = {}
                for cell in self.cells(it.index):
                    cells.setdefault(folded(cell), cell)
                stands = {it: table.word(part, it) for it in cells.values()}
                stands |= self.meant.get(path, {})
                right = {*table.words[part].values()}
                to_ask = [it for it, to in stands.items() if not to]
                found[path] = Words(
                    {
                        it: to
                        for it, to in stands.items()
                        if to and it not in right
                    },
                    [it for it, to in stands.items() if to is None],
                    to_ask[:_MOST_STATES] if part != "gender" else [],
                    sorted(right),
                )
        return found

    def toml(self, name: str) -> str:
        """Return a mapping for a file of this name; it has no cells."""
        return "\n".join([*_toml(self, name), ""])


def propose(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Proposal:
    """Propose what the columns above these rows are.

    Names count first, then what the cells look like.  A column that is
    mapped wrong is worse than one that is left out.
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
        (-meaning.score, meaning.rank, guess.index, meaning.path, why)
        for guess in blank.columns
        if guess.nameable
        for meaning, why in _claims(guess.header, blank.cells(guess.index))
    )
    has_owner = any(path == f"{OWNER}email" for *_, path, _ in claims)
    taken: dict[str, Guess] = {}
    chosen: dict[int, Guess] = {}
    for _, _, index, path, why in claims:
        if path.startswith(OWNER) and not has_owner:
            continue
        if path not in taken and index not in chosen:
            guess = Guess(index, header[index].strip(), path, why)
            taken[path] = chosen[index] = guess
    return attrs.evolve(
        blank,
        columns=tuple(
            chosen.get(it.index) or _left_out(it, blank, taken)
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
    guess: Guess, blank: Proposal, taken: Mapping[str, Guess]
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
        why = f"{better[0]} is already {_quoted(taken[better[0]].header)}"
    elif any(it.path.startswith(OWNER) for it in meanings):
        why = "of a recipient, whose e-mail address is missing"
    elif sure:
        why = f"its values don't look like {sure[0]}"
    elif meanings:
        why = "its name can mean several things"
    else:
        why = "unknown name"
    return attrs.evolve(guess, why=why)


_ABOUT = """
# Its lines say what each column of the file contains.  They were proposed
# from the names of the columns and from their cells: look through them, and
# correct what is wrong.  Lines that begin with # are not read."""
_NO_ID = f"""\
# No column certainly is {ORDER_ID}, the id of the order, and an
# import needs it: an id must be different in each order, and must
# never be used again, not even in the next file."""
_POSSIBLE_IDS = """\
# If it is one of these, remove the # before it, and the same
# name from the list above:"""
_SEVERAL_ROWS = """\
# Some orders have several rows.  If their quantities are
# to be added up, write at the top of this file:
# lines_per_order = "several\""""
_UNCERTAIN_DATES = """\
# If the day comes first, remove the # before it;
# if the month does, change the form, too."""


def _toml(proposal: Proposal, name: str) -> Iterator[str]:
    yield f"# A mapping for {_quoted(name)}.{_ABOUT}"
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
        f"\n    {_quoted(it.header)},  # {it.why}"
        for it in proposal.columns
        if it.nameable and not it.path and it.header not in proposal.filter
    ]
    yield ""
    yield "# Columns that are not sent."
    end = "\n" if left else ""
    yield f"ignore = [{''.join(left)}{end}]"


def _missing_id(proposal: Proposal) -> Iterator[str]:
    if proposal.usable:
        cells = proposal.cells(proposal.paths[ORDER_ID].index)
        if len({*cells}) < len(cells):
            yield _SEVERAL_ROWS
        return
    yield _NO_ID
    possible = proposal.possible_ids()
    if possible:
        yield _POSSIBLE_IDS
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
        yield f"# Say what these are: {', '.join(words.choice)}."
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
                    yield _UNCERTAIN_DATES
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
