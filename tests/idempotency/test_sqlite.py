"""A store in a file keeps the rules of all stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from idempotency.bench import WITHIN, Bench, Clock
from idempotency.contract import OptimisticStoreContract
from sesamy_async.idempotency import SQLiteStore


class TestSQLiteStore(OptimisticStoreContract):
    """A store in a file."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        """Return two handles on one file."""
        clock, path = Clock(), tmp_path / "orders.db"
        with (
            closing(SQLiteStore(path, clock=clock)) as one,
            closing(SQLiteStore(path, clock=clock)) as other,
        ):
            yield Bench(one, other, clock.wait, url=f"sqlite:{path}")

    def test_takes_an_id_with_a_nul(self, bench: Bench) -> None:
        """It is found by all of its id."""
        keys = [bench.key(each) for each in ("a", "a\0", "a\0b")]

        for each in keys:
            bench.confirm(each, contract_id=f"c-{each.external_order_id}")

        assert {*keys} == bench.one.look(keys, within=WITHIN).keys()
