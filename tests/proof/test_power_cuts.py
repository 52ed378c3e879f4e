"""Whoever cuts the power loses what was not flushed, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import attrs
import pytest

from proof.kills.campaign import Campaign
from proof.kills.job import Job
from proof.kills.moments import Moment
from proof.kills.plug import Plug, flushed, size_of
from proof.kills.served import Served
from proof.kills.zygote import Zygote
from sesamy_async._wal import wal_of


KEPT, TAIL = b"kept" * 300, b"tail" * 600


def chance(seed: int) -> random.Random:
    """Return chance that can be repeated."""
    return random.Random(seed)  # noqa: S311 - repeatable


def test_what_is_lost(tmp_path: Path) -> None:
    """What was flushed last is kept; of the rest anything may be left."""
    journal = tmp_path / "journal"
    left: set[bytes] = set()
    for seed in range(200):
        wal_of(journal).write_bytes(KEPT + TAIL)
        trace = f"{flushed(4)}claim:2\n{flushed(len(KEPT))}claim:3\n"
        lost = Plug(chance(seed)).pull(journal, trace)
        left.add(wal_of(journal).read_bytes())
        assert len(TAIL) == lost
    tails = {each.removeprefix(KEPT) for each in left}

    assert all(each.startswith(KEPT) for each in left)
    assert any(len(each) < len(TAIL) for each in tails)
    assert any(bytes(512) in each for each in tails)
    assert any(len(each) == len(TAIL) != each.count(0) for each in tails)


@pytest.mark.parametrize("trace", ["", "claim:2\n"])
def test_nothing_was_flushed(tmp_path: Path, trace: str) -> None:
    """A run that has not begun to write has nothing to lose."""
    journal = tmp_path / "journal"
    wal_of(journal).write_bytes(TAIL)

    assert 0 == Plug(chance(1)).pull(journal, trace)
    assert TAIL == wal_of(journal).read_bytes()
    assert len(TAIL) == size_of(journal)


def test_no_changes(tmp_path: Path) -> None:
    """Where there is no file of latest changes, none is created."""
    journal = tmp_path / "journal"

    assert 0 == Plug(chance(1)).pull(journal, flushed(size_of(journal)))
    assert [] == [*tmp_path.iterdir()]


def test_a_disk_that_lies(
    processes: tuple[Zygote, Served], tmp_path: Path
) -> None:
    """Where flushed changes are lost all the same, the judge sees it."""
    runner, sandbox = processes
    job = Job(
        folder=str(tmp_path),
        settings=sandbox.settings,
        confirm="at-once",
        # So it is certain what the last two flushes were of.
        concurrency=1,
    )
    killed = attrs.evolve(job, moment=Moment.HEAD, passage=6)
    campaign = Campaign("0", job, runner, sandbox, Plug(chance(0), lies=2))
    violations = campaign.carry_out([killed]).violations

    assert [] != [each for each in violations if "are confirmed" in each]
