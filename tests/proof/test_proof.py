"""Every claim of docs/reliability.md, tried a few times."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from proof import page
from proof.__main__ import SEED, main
from proof.claim import Claim, Row, Scale, tried
from proof.judge import judged
from proof.registry import all_claims
from proof.report import section
from sesamy_async import Contract, Outcome, SesamyError
from sesamy_async.sandbox import Ledger, SoldContract
from support.calling import Ending


CLAIMS = all_claims()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_a_claim(claim: Claim) -> None:
    """The short form of what `nox -s proof` tries at length."""
    scale = Scale(runs=claim.short, seed=SEED, slack=5.0, again=3, brief=True)
    rows = list(claim.rows(scale))

    assert [] == [text for row in rows for text in row.violations]
    assert all(row.runs for row in rows)


def test_the_page_tells_of_every_claim() -> None:
    """A claim that was never tried at length is not claimed."""
    text = page.PATH.read_text(encoding="utf-8")

    assert list(CLAIMS) == [
        line.removeprefix("### ")
        for line in text.splitlines()
        if line.startswith("### ")
    ]


def test_a_try_can_be_repeated() -> None:
    """Chance depends on the seed, the class and the number, only."""

    def drawn(seed: int, runs: int) -> tuple[str, ...]:
        row = tried(
            "x",
            Scale(runs=runs, seed=seed),
            lambda chance: str(chance.random()),
        )
        return row.violations

    assert drawn(1, 3)[:2] == drawn(1, 2)
    assert drawn(1, 2) != drawn(2, 2)
    assert 3 == len(set(drawn(1, 3)))


def test_tries_at_once_have_the_same_chance() -> None:
    """They overlap, and still each has its own."""
    together = threading.Barrier(3, timeout=30)

    def trial(chance: random.Random) -> str:
        together.wait()
        return str(chance.random())

    alone = tried("x", Scale(runs=3, seed=1), lambda it: str(it.random()))

    assert alone == tried("x", Scale(runs=3, seed=1), trial, at_once=3)


def test_only_the_sections_that_are_new_change() -> None:
    """The others stay, and so does the page around them."""
    around = f"before\n{page.BEGIN}\n{{}}\n{page.END}\nafter\n"
    first = page.with_sections(
        around, {"a": "### a\n\n1", "b": "### b\n\n2"}, ["a", "b", "c"]
    )
    second = page.with_sections(first, {"a": "### a\n\n3"}, ["a", "b", "c"])

    assert around.format("\n### a\n\n3\n\n### b\n\n2\n") == second


def test_the_page_begins_with_what_was_broken() -> None:
    """So nobody has to look for it in all the tables."""
    good, bad = (
        f"### {name}\n\n| class | runs | violations |\n| x | 1,000 | {n} |\n"
        for name, n in (("good", 0), ("bad", 2))
    )
    names = ["good", "bad"]
    first = page.with_sections(page.BEGIN + page.END, {"good": good}, names)
    second = page.with_sections(first, {"bad": bad}, names)

    assert "None of 1,000 runs broke a promise.\n\n### good" in first
    assert "2 of 2,000 runs broke a promise: see [bad](#bad)." in second
    assert 1 == second.count("broke a promise")


def test_a_violation_is_shown_and_bounds_nothing() -> None:
    """Where there is none, 3/N bounds the rate, if more could be tried."""
    claim = Claim(name="n", promise="All is well.", rows=lambda _: ())
    rows = [
        Row(what="good", runs=300),
        Row(what="all", runs=300, complete=True),
        Row(what="bad", runs=300, violations=("it broke",)),
    ]
    text = section(claim, Scale(runs=300, seed=7), rows)

    assert "| good | 300 | 0 | 1 % |" in text
    assert "| all | 300 | 0 |  |" in text
    assert "| bad | 300 | 1 |  |" in text
    assert "- bad: it broke" in text
    assert "seed 7, 300 runs per class" in text


@pytest.mark.parametrize("violations", [(), ("it broke",)])
def test_a_broken_promise_fails_the_session(
    violations: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The table is printed and kept all the same."""
    row = Row(what="x", runs=1, violations=violations)
    claim = Claim(name="n", promise="All is well.", rows=lambda _: [row])
    kept = tmp_path / "page.md"
    kept.write_text(page.BEGIN + page.END)
    monkeypatch.setattr(page, "PATH", kept)
    monkeypatch.setattr("proof.__main__.all_claims", lambda: {"n": claim})

    assert len(violations) == main(["--only", "n"])
    assert capsys.readouterr().out.strip() in kept.read_text()


@pytest.mark.parametrize(
    ("outcome", "contracts", "fine"),
    [
        ("NOT_SENT", 0, True),
        ("NOT_SENT", 1, False),
        ("REFUSED", 0, True),
        ("REFUSED", 1, False),
        ("UNKNOWN", 0, True),
        ("UNKNOWN", 1, True),
        ("UNKNOWN", 2, False),
        ("APPLIED", 0, False),
        ("APPLIED", 1, True),
        ("APPLIED", 2, False),
    ],
)
def test_the_judge_of_an_error(
    outcome: str, contracts: int, fine: bool
) -> None:
    """An outcome is true where the ledger has as many contracts."""
    error = SesamyError("x", outcome=Outcome(outcome))
    found = judged(Ending(error=error), ledger(contracts), "o")

    assert fine == (found is None)


@pytest.mark.parametrize(
    ("contract", "contracts", "fine"),
    [
        ("c-0", 0, False),
        ("c-0", 1, True),
        ("c-9", 1, False),
        ("c-0", 2, False),
    ],
)
def test_the_judge_of_a_success(
    contract: str, contracts: int, fine: bool
) -> None:
    """A contract is true where it is the only one of its order."""
    ending = Ending(value=Contract(id=contract))

    assert fine == (judged(ending, ledger(contracts), "o") is None)


def ledger(contracts: int) -> Ledger:
    """Return one with so many contracts of the order "o"."""
    made = Ledger()
    for number in range(contracts):
        sold = SoldContract(
            id=f"c-{number}",
            external_order_id="o",
            vendor_id="acme",
            promo_code="SPRING-12",
            user_id="u",
            payment_method="CARD",
            created_at=0.0,
        )
        made.apply(sold)
    return made
