"""The rules that each store must keep, whatever it keeps orders in.

A back end takes them over by a class and a fixture::

    class TestSQLiteStore(SharedStoreContract):

        @pytest.fixture
        def bench(self, tmp_path: Path) -> Iterator[Bench]: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from idempotency.bench import AHEAD, WITHIN, Bench, at_once, first, race
from sesamy_async.idempotency import (
    Decide,
    OrderKey,
    OrderRecord,
    OrderState,
    RecordStore,
    Step,
    StoreAnswer,
    StoreUnavailable,
    Write,
)


CLAIMED, CREATED = OrderState.CLAIMED, OrderState.CREATED
CONFIRMED, REFUSED = OrderState.CONFIRMED, OrderState.REFUSED
UNKNOWN = OrderState.UNKNOWN

ODD = [
    "ö-日本-🙂",
    "x" * 1_000,
    "' OR 1=1; --",
    '"{}[]:*?\\',
    " with spaces ",
    "{tag}:%s%%$1",
    "line\nbreak\t",
    "é" + "e\u0301",
]


def failure(do: Callable[[], object]) -> StoreUnavailable:
    """Return the error in which something ends."""
    with pytest.raises(StoreUnavailable) as caught:
        do()
    return caught.value


class _Claims:
    """Who may create an order."""

    @pytest.mark.parametrize("careful", [False, True])
    def test_claims_what_is_not_there(
        self, bench: Bench, *, careful: bool
    ) -> None:
        """An order that nobody told can be claimed, and all see that."""
        holder = bench.holder(careful=careful, digest="1:a", source="a.csv")

        record = bench.claim(bench.key(), holder)

        assert CLAIMED is record.state
        assert (holder.token, careful) == (record.token, record.careful)
        assert ("1:a", "a.csv") == (record.digest, record.source)
        assert (None, 0) == (record.contract_id, record.strays)
        assert AHEAD / 2 < record.left <= AHEAD
        assert AHEAD / 2 < record.busy <= AHEAD
        assert record.begun_at == record.at == record.claimed_at
        assert record == bench.found(bench.key())

    @pytest.mark.parametrize("careful", [False, True])
    @pytest.mark.parametrize("other", [False, True])
    def test_keeps_others_out(
        self, bench: Bench, *, careful: bool, other: bool
    ) -> None:
        """Nobody else claims an order while its claim lasts."""
        record = bench.claim(bench.key(), bench.holder(careful=careful))

        answer = bench.other.claim(
            bench.key(), bench.holder(careful=other), within=WITHIN
        )

        assert not answer.done
        assert record == answer.record == bench.found(bench.key())

    def test_claims_again_by_the_same_token(self, bench: Bench) -> None:
        """A claim may be repeated: it is renewed."""
        holder = bench.brief()
        before = bench.claim(bench.key(), holder)
        bench.pass_by()

        after = bench.claim(bench.key(), holder)

        assert 0 == after.strays
        assert after.claimed_at > before.claimed_at
        assert after.expires_at > before.expires_at
        assert before.begun_at == after.begun_at

    def test_takes_over_what_is_repeatable(self, bench: Bench) -> None:
        """A repeatable claim that has run out is taken over, as a stray."""
        before = bench.claim(bench.key(), bench.brief(source="a.csv"))
        bench.pass_by()
        holder = bench.holder()

        answer = bench.other.claim(bench.key(), holder, within=WITHIN)

        assert answer.done
        assert answer.record is not None
        assert (holder.token, 1) == (answer.record.token, answer.record.strays)
        assert before.begun_at == answer.record.begun_at
        assert "a.csv" == answer.record.source

    def test_takes_nothing_over_carefully(self, bench: Bench) -> None:
        """A create that may happen only once is not a second one."""
        before = bench.claim(bench.key(), bench.brief())
        bench.pass_by()

        answer = bench.other.claim(
            bench.key(), bench.holder(careful=True), within=WITHIN
        )

        assert not answer.done
        assert before == answer.record
        assert answer.record is not None
        assert 0 == answer.record.left

    @pytest.mark.parametrize("careful", [False, True])
    def test_doubts_what_was_careful(
        self, bench: Bench, *, careful: bool
    ) -> None:
        """A careful claim that has run out is in doubt, for everybody."""
        bench.claim(bench.key(), bench.brief(careful=True))
        bench.pass_by()

        answer = bench.other.claim(
            bench.key(), bench.holder(careful=careful), within=WITHIN
        )

        assert not answer.done
        assert answer.record is not None
        assert UNKNOWN is answer.record.state
        assert answer.record == bench.found(bench.key())

    @pytest.mark.parametrize(
        ("told", "now", "done"),
        [
            ("1:a", "1:a", True),
            ("1:a", "1:b", False),
            ("1:a", "2:b", True),
            (None, "1:b", True),
            ("1:a", None, True),
        ],
    )
    def test_takes_over_the_same_data_only(
        self, bench: Bench, told: str | None, now: str | None, *, done: bool
    ) -> None:
        """A claim of other data is not taken over."""
        bench.claim(bench.key(), bench.brief(digest=told))
        bench.pass_by()

        answer = bench.other.claim(
            bench.key(), bench.holder(digest=now), within=WITHIN
        )

        assert done is answer.done

    @pytest.mark.parametrize("careful", [False, True])
    def test_claims_what_was_refused(
        self, bench: Bench, *, careful: bool
    ) -> None:
        """What Sesamy refused comes back, also with other data."""
        before = bench.end(bench.key(), REFUSED, digest="1:a")

        record = bench.claim(
            bench.key(), bench.holder(careful=careful, digest="1:b")
        )

        assert CLAIMED is record.state
        assert (careful, "1:b") == (record.careful, record.digest)
        assert before.begun_at == record.begun_at

    @pytest.mark.parametrize("careful", [False, True])
    @pytest.mark.parametrize("state", [CREATED, CONFIRMED, UNKNOWN])
    def test_claims_nothing_that_may_have_a_contract(
        self, bench: Bench, state: OrderState, *, careful: bool
    ) -> None:
        """What has a contract, or may have one, is not created again."""
        if state is UNKNOWN:
            before = bench.end(bench.key(), state)
        else:
            make = bench.create if state is CREATED else bench.confirm
            before = make(bench.key())

        answer = bench.other.claim(
            bench.key(), bench.holder(careful=careful), within=WITHIN
        )

        assert not answer.done
        assert before == answer.record

    def test_tells_orders_apart(self, bench: Bench) -> None:
        """Orders of another place, publisher, or id are others."""
        keys = [
            bench.key(),
            bench.key("o-2"),
            bench.key(vendor_id="other"),
            attrs.evolve(bench.key(), where=f"{bench.where}/v2"),
        ]

        for each in keys:
            bench.claim(each, bench.holder(source=each.where))

        assert {*keys} == {*bench.other.look(keys, within=WITHIN)}

    def test_renews_the_own_claim(self, bench: Bench) -> None:
        """A claim is renewed, and counts the creates without an answer."""
        holder = bench.brief()
        before = bench.claim(bench.key(), holder)
        bench.wait(bench.short / 2)

        for strays in (0, 2):
            answer = bench.other.renew(
                bench.key(), holder, strays=strays, within=WITHIN
            )

        assert answer.done
        assert answer.record is not None
        assert 2 == answer.record.strays
        assert answer.record.expires_at > before.expires_at
        assert answer.record.busy_until > before.busy_until

    def test_never_shortens_how_long_a_call_may_take(
        self, bench: Bench
    ) -> None:
        """A shorter call does not end the longer one before it."""
        holder = bench.holder()
        before = bench.claim(bench.key(), holder)
        shorter = attrs.evolve(holder, busy=0.001)

        answer = bench.one.renew(bench.key(), shorter, strays=0, within=WITHIN)

        assert answer.record is not None
        assert before.busy_until == answer.record.busy_until

    def test_renews_no_other_claim(self, bench: Bench) -> None:
        """A claim that somebody else has taken over is not renewed."""
        lost = bench.brief()
        bench.claim(bench.key(), lost)
        bench.pass_by()
        record = bench.claim(bench.key(), bench.holder())

        answer = bench.other.renew(bench.key(), lost, strays=1, within=WITHIN)

        assert not answer.done
        assert record == answer.record

    def test_renews_nothing_that_is_not_there(self, bench: Bench) -> None:
        """An order that was forgotten does not come back."""
        answer = bench.one.renew(
            bench.key(), bench.holder(), strays=1, within=WITHIN
        )

        assert not answer.done
        assert None is answer.record is bench.found(bench.key())


class _Contracts:
    """Which contract counts."""

    @pytest.mark.parametrize(
        ("confirmed", "state"), [(False, CREATED), (True, CONFIRMED)]
    )
    def test_writes_a_contract_down(
        self, bench: Bench, state: OrderState, *, confirmed: bool
    ) -> None:
        """The contract of the own claim counts."""
        holder = bench.holder(digest="1:a", careful=confirmed)
        bench.claim(bench.key(), holder)

        answer = self._first(bench, holder, confirmed=confirmed)

        assert answer.done
        assert answer.record is not None
        assert (state, "c-1", "1:a") == (
            answer.record.state,
            answer.record.contract_id,
            answer.record.digest,
        )
        assert answer.record == bench.found(bench.key())

    def test_writes_the_first_one_down(self, bench: Bench) -> None:
        """The first contract counts, whoever has the claim by now."""
        late = bench.brief()
        bench.claim(bench.key(), late)
        bench.pass_by()
        bench.claim(bench.key(), bench.holder())

        answer = self._first(bench, late)

        assert answer.done
        assert answer.record is not None
        assert ("c-1", 1) == (answer.record.contract_id, answer.record.strays)

    @pytest.mark.parametrize("confirmed", [False, True])
    @pytest.mark.parametrize("made", [CREATED, CONFIRMED])
    def test_counts_a_second_one_as_a_stray(
        self, bench: Bench, made: OrderState, *, confirmed: bool
    ) -> None:
        """A second contract never takes the place of the first."""
        make = bench.create if made is CREATED else bench.confirm
        before = make(bench.key())

        answer = self._first(
            bench, bench.holder(), contract_id="c-2", confirmed=confirmed
        )

        assert not answer.done
        assert attrs.evolve(before, strays=1) == answer.record

    def test_writes_the_same_one_down_again(self, bench: Bench) -> None:
        """To write the same contract down twice changes nothing."""
        before = bench.create(bench.key())

        answer = self._first(bench, bench.holder(digest="1:other"))

        assert answer.done
        assert before == answer.record

    def test_confirms_by_writing_down(self, bench: Bench) -> None:
        """The contract that counts may be written down as confirmed."""
        bench.create(bench.key())

        answers = [
            self._first(bench, bench.holder(), confirmed=each)
            for each in (True, False)
        ]

        assert all(each.done for each in answers)
        assert answers[0].record == answers[1].record
        assert answers[1].record is not None
        assert CONFIRMED is answers[1].record.state

    def test_writes_nothing_down_for_what_is_not_there(
        self, bench: Bench
    ) -> None:
        """An order that was forgotten does not come back."""
        answer = self._first(bench, bench.holder())

        assert not answer.done
        assert None is answer.record is bench.found(bench.key())

    def test_writes_nothing_down_for_what_was_refused(
        self, bench: Bench
    ) -> None:
        """What Sesamy refused has no contract, even for its own claim."""
        before = bench.end(bench.key(), REFUSED)
        assert before.token is not None

        answer = self._first(bench, bench.holder(token=before.token))

        assert not answer.done
        assert before == answer.record

    @pytest.mark.parametrize(
        ("claimed", "by"),
        [
            ({"careful": True}, {}),
            ({"digest": "1:a"}, {"digest": "1:b"}),
            ({}, {"confirmed": True}),
        ],
    )
    def test_writes_nothing_into_a_claim_that_forbids_it(
        self, bench: Bench, claimed: dict[str, Any], by: dict[str, Any]
    ) -> None:
        """A careful claim, other data, or an at-once create keep out."""
        before = bench.claim(bench.key(), bench.holder(**claimed))
        confirmed = by.get("confirmed", False)
        holder = bench.holder(digest=by.get("digest"))

        answer = self._first(bench, holder, confirmed=confirmed)

        assert not answer.done
        assert before == answer.record == bench.found(bench.key())

    def test_writes_into_doubt_by_its_own_token_only(
        self, bench: Bench
    ) -> None:
        """Of an order in doubt, only the one who sent it knows better."""
        before = bench.end(bench.key(), UNKNOWN)
        assert before.token is not None

        answers = [
            self._first(bench, bench.holder()),
            self._first(bench, bench.holder(token=before.token)),
        ]

        assert [False, True] == [each.done for each in answers]

    @pytest.mark.parametrize("shared", [False, True])
    def test_keeps_a_contract_to_one_order(
        self, bench: Bench, *, shared: bool
    ) -> None:
        """A contract of another order is not taken, unless they share."""
        bench.create(bench.key())
        holder = bench.holder()
        before = bench.claim(bench.key("o-2"), holder)

        answer = bench.other.first(
            bench.key("o-2"),
            holder,
            "c-1",
            confirmed=False,
            shared=shared,
            within=WITHIN,
        )

        assert shared is answer.done
        assert shared is (before != answer.record)

    def test_keeps_contracts_of_publishers_apart(self, bench: Bench) -> None:
        """Contracts of other publishers and places have ids of their own."""
        keys = [
            bench.key(),
            bench.key("o-2", vendor_id="other"),
            attrs.evolve(bench.key("o-3"), where=f"{bench.where}/v2"),
        ]

        for each in keys:
            bench.create(each)

        assert keys == [
            found.key
            for each in keys
            if (
                found := bench.other.holder(
                    each.where, each.vendor_id, "c-1", within=WITHIN
                )
            )
        ]

    def test_finds_an_order_by_its_contract(self, bench: Bench) -> None:
        """An order is found by the contract that was written down."""
        record = bench.create(bench.key())

        found = [
            bench.other.holder(bench.where, "shop", each, within=WITHIN)
            for each in ("c-1", "c-2", "")
        ]

        assert [record, None, None] == found

    def test_finds_no_order_that_was_forgotten(self, bench: Bench) -> None:
        """A contract leads to no order that is gone."""
        bench.confirm(bench.key())
        bench.forget(bench.key())

        found = bench.other.holder(bench.where, "shop", "c-1", within=WITHIN)

        assert None is found

    @staticmethod
    def _first(
        bench: Bench,
        holder: Any,
        *,
        contract_id: str = "c-1",
        confirmed: bool = False,
    ) -> Any:
        return bench.other.first(
            bench.key(),
            holder,
            contract_id,
            confirmed=confirmed,
            shared=False,
            within=WITHIN,
        )


class _Endings:
    """How a claim ends."""

    @pytest.mark.parametrize("state", [REFUSED, UNKNOWN])
    def test_marks_the_own_claim(
        self, bench: Bench, state: OrderState
    ) -> None:
        """Whoever has the claim notes how it ended."""
        before = bench.claim(bench.key(), holder := bench.holder())

        answer = bench.other.mark(
            bench.key(), state, token=holder.token, within=WITHIN
        )

        assert answer.done
        assert answer.record is not None
        assert state is answer.record.state
        assert before.begun_at == answer.record.begun_at
        assert answer.record == bench.found(bench.key())

    @pytest.mark.parametrize("state", [REFUSED, UNKNOWN])
    def test_marks_no_other_claim(
        self, bench: Bench, state: OrderState
    ) -> None:
        """Nobody ends the claim of somebody else while it lasts."""
        before = bench.claim(bench.key(), bench.holder())

        answer = bench.other.mark(
            bench.key(), state, token="other", within=WITHIN
        )

        assert not answer.done
        assert before == answer.record

    @pytest.mark.parametrize(
        ("state", "done"), [(REFUSED, False), (UNKNOWN, True)]
    )
    def test_doubts_any_claim_that_has_run_out(
        self, bench: Bench, state: OrderState, *, done: bool
    ) -> None:
        """A claim that has run out may be doubted, but not refused."""
        bench.claim(bench.key(), bench.brief())
        bench.pass_by()

        answer = bench.other.mark(
            bench.key(), state, token="other", within=WITHIN
        )

        assert done is answer.done

    @pytest.mark.parametrize("state", [REFUSED, UNKNOWN, CONFIRMED])
    def test_marks_nothing_that_is_not_there(
        self, bench: Bench, state: OrderState
    ) -> None:
        """An order that was forgotten does not come back."""
        answer = bench.one.mark(
            bench.key(), state, token="t", contract_id="c-1", within=WITHIN
        )

        assert not answer.done
        assert None is answer.record is bench.found(bench.key())

    @pytest.mark.parametrize("state", [REFUSED, UNKNOWN])
    @pytest.mark.parametrize("made", [CREATED, CONFIRMED])
    def test_removes_no_contract_by_a_mark(
        self, bench: Bench, made: OrderState, state: OrderState
    ) -> None:
        """What has a contract keeps it, whatever its claimant says."""
        make = bench.create if made is CREATED else bench.confirm
        before = make(bench.key())

        answer = bench.other.mark(
            bench.key(), state, token=before.token or "", within=WITHIN
        )

        assert not answer.done
        assert before == answer.record

    @pytest.mark.parametrize(
        ("contract_id", "done"),
        [("c-1", True), ("c-2", False), (None, False)],
    )
    def test_confirms_the_contract_that_counts(
        self, bench: Bench, contract_id: str | None, *, done: bool
    ) -> None:
        """Only the contract that counts is noted as confirmed."""
        bench.create(bench.key())

        for _ in range(2):
            answer = bench.other.mark(
                bench.key(),
                CONFIRMED,
                token="any",
                contract_id=contract_id,
                within=WITHIN,
            )

        assert done is answer.done
        assert answer.record is not None
        assert (CONFIRMED if done else CREATED) is answer.record.state
        assert "c-1" == answer.record.contract_id

    def test_confirms_no_claim(self, bench: Bench) -> None:
        """An order without a contract is not confirmed."""
        holder = bench.holder()
        before = bench.claim(bench.key(), holder)

        answer = bench.other.mark(
            bench.key(),
            CONFIRMED,
            token=holder.token,
            contract_id="c-1",
            within=WITHIN,
        )

        assert not answer.done
        assert before == answer.record

    def test_forgets_what_was_not_sent(self, bench: Bench) -> None:
        """An order of which nothing was made is not there any more."""
        holder = bench.holder()
        bench.claim(bench.key(), holder)

        answer = bench.other.release(
            bench.key(), token=holder.token, strays=0, within=WITHIN
        )

        assert answer.done
        assert None is answer.record is bench.found(bench.key())

    def test_leaves_to_others_what_had_no_answer(self, bench: Bench) -> None:
        """A claim that is given up with strays has run out at once."""
        holder = bench.holder()
        bench.claim(bench.key(), holder)

        answer = bench.other.release(
            bench.key(), token=holder.token, strays=2, within=WITHIN
        )

        assert answer.done
        assert answer.record is not None
        assert (CLAIMED, 2) == (answer.record.state, answer.record.strays)
        assert 0 == answer.record.left < answer.record.busy
        assert 2 == bench.claim(bench.key(), bench.holder()).strays

    def test_forgets_a_doubt_of_what_was_not_sent(self, bench: Bench) -> None:
        """A claim ran out before anything was sent; its owner says so."""
        holder = bench.holder(careful=True, lasts=bench.short)
        bench.claim(bench.key(), holder)
        bench.pass_by()
        bench.other.claim(bench.key(), bench.holder(), within=WITHIN)
        before = bench.found(bench.key())

        answer = bench.one.release(
            bench.key(), token=holder.token, strays=0, within=WITHIN
        )

        assert before is not None
        assert UNKNOWN is before.state
        assert answer.done
        assert None is answer.record is bench.found(bench.key())

    def test_refuses_again_what_was_refused_before(self, bench: Bench) -> None:
        """A careful claim that was not sent leaves what was before it."""
        holder = bench.holder()
        bench.claim(bench.key(), holder)
        bench.one.renew(bench.key(), holder, strays=1, within=WITHIN)
        bench.one.mark(bench.key(), REFUSED, token=holder.token, within=WITHIN)
        careful = bench.holder(careful=True)
        bench.claim(bench.key(), careful)

        answer = bench.other.release(
            bench.key(), token=careful.token, strays=0, within=WITHIN
        )

        assert answer.done
        assert answer.record is not None
        assert (REFUSED, 1) == (answer.record.state, answer.record.strays)

    def test_releases_no_other_claim(self, bench: Bench) -> None:
        """A late release only counts its strays."""
        before = bench.claim(bench.key(), bench.holder())

        answer = bench.other.release(
            bench.key(), token="other", strays=1, within=WITHIN
        )

        assert not answer.done
        assert attrs.evolve(before, strays=1) == answer.record
        assert answer.record == bench.found(bench.key())

    def test_releases_nothing_that_is_not_there(self, bench: Bench) -> None:
        """An order that was forgotten does not come back."""
        answer = bench.one.release(
            bench.key(), token="t", strays=1, within=WITHIN
        )

        assert not answer.done
        assert None is answer.record is bench.found(bench.key())


class _Keeping:
    """What is known of many orders, and for how long."""

    def test_looks_many_up(self, bench: Bench) -> None:
        """Any number of orders are looked up; what is missing is left out."""
        keys = [bench.key(f"o-{number}") for number in range(1_100)]
        others = [bench.key(f"n-{number}") for number in range(10)]
        bench.one.adopt([self._known(each) for each in keys], within=WITHIN)

        found = bench.other.look([*others, *keys], within=WITHIN)

        assert {*keys} == {*found}
        assert all(key == found[key].key for key in keys)
        assert {} == bench.other.look([], within=WITHIN)

    def test_yields_all_of_many_pages(self, bench: Bench) -> None:
        """Each order is yielded once, however many there are."""
        keys = [
            bench.key(f"o-{number}", vendor_id=f"v-{number % 3}")
            for number in range(2_500)
        ]
        bench.one.adopt([self._known(each) for each in keys], within=WITHIN)

        found = [each.key for each in bench.entries()]

        assert len(keys) == len(found)
        assert {*keys} == {*found}

    def test_yields_orders_in_a_state(self, bench: Bench) -> None:
        """Orders are found by their states."""
        bench.confirm(bench.key("o-1"))
        bench.create(bench.key("o-2"), "c-2")
        bench.claim(bench.key("o-3"), bench.holder())
        bench.end(bench.key("o-4"), UNKNOWN)

        found = bench.entries(states=[UNKNOWN, CREATED])

        assert {"o-2", "o-4"} == {each.key.external_order_id for each in found}
        assert [] == bench.entries(states=[])

    def test_yields_orders_since(self, bench: Bench) -> None:
        """Orders are found by when they changed last."""
        bench.claim(bench.key("o-1"), bench.holder())
        bench.claim(bench.key("o-2"), holder := bench.holder())
        bench.pass_by()
        changed = first(bench.one, bench.key("o-2"), holder, "c-2")

        assert [changed] == bench.entries(since=changed.at)

    def test_yields_orders_by_their_id(self, bench: Bench) -> None:
        """Orders are found by their id, of whatever publisher."""
        for vendor_id in ("one", "two"):
            for order_id in ("o-1", "o-2"):
                bench.claim(bench.key(order_id, vendor_id), bench.holder())
        bench.end(bench.key("o-1", "three"), REFUSED)

        found = bench.entries(external_order_id="o-1", states=[CLAIMED])

        assert {
            bench.key("o-1", vendor_id) for vendor_id in ("one", "two")
        } == {each.key for each in found}

    @pytest.mark.parametrize("state", [CONFIRMED, CREATED, UNKNOWN])
    def test_adopts_what_is_not_there(
        self, bench: Bench, state: OrderState
    ) -> None:
        """What is known from elsewhere is taken over as it is."""
        known = self._known(
            bench.key(), state=state, contract_id="c-1", strays=2, at=10.0
        )

        [answer] = bench.one.adopt([known], within=WITHIN)

        assert answer.done
        found = bench.found(bench.key())
        assert found is not None
        assert found.begun_at > 0
        assert attrs.evolve(known, begun_at=found.begun_at) == found
        holder = bench.other.holder(bench.where, "shop", "c-1", within=WITHIN)
        assert found == holder

    def test_adopts_as_of_now(self, bench: Bench) -> None:
        """What says no time is taken over as of now."""
        now = bench.claim(bench.key("o-2"), bench.holder()).at

        bench.one.adopt([self._known(bench.key())], within=WITHIN)

        found = bench.found(bench.key())
        assert found is not None
        assert now <= found.at <= now + 60

    @pytest.mark.parametrize("state", [REFUSED, UNKNOWN, CLAIMED])
    def test_adopts_where_nothing_better_is_known(
        self, bench: Bench, state: OrderState
    ) -> None:
        """What was refused or is in doubt is settled from elsewhere."""
        holder = bench.brief()
        before = bench.claim(bench.key(), holder)
        bench.one.renew(bench.key(), holder, strays=3, within=WITHIN)
        if state is not CLAIMED:
            bench.one.mark(
                bench.key(), state, token=holder.token, within=WITHIN
            )
        bench.pass_by()

        [answer] = bench.other.adopt(
            [self._known(bench.key(), contract_id="c-1")], within=WITHIN
        )

        assert answer.done
        assert answer.record is not None
        assert (CONFIRMED, 3) == (answer.record.state, answer.record.strays)
        assert before.begun_at == answer.record.begun_at

    @pytest.mark.parametrize("state", [CREATED, CONFIRMED, CLAIMED])
    def test_adopts_nothing_where_more_is_known(
        self, bench: Bench, state: OrderState
    ) -> None:
        """A contract that counts stays, and a call under way goes on."""
        if state is CLAIMED:
            before = bench.claim(bench.key(), bench.holder(lasts=bench.short))
            bench.pass_by()
        else:
            make = bench.create if state is CREATED else bench.confirm
            before = make(bench.key())

        # CREATED would be taken for the contract of the call under way.
        told = CREATED if state is CLAIMED else CONFIRMED
        [answer] = bench.other.adopt(
            [self._known(bench.key(), state=told, contract_id="c-9")],
            within=WITHIN,
        )

        assert not answer.done
        assert before == answer.record

    @pytest.mark.parametrize("shared", [False, True])
    def test_adopts_no_contract_of_another_order(
        self, bench: Bench, *, shared: bool
    ) -> None:
        """Two orders have one contract only if they share."""
        bench.create(bench.key())
        known = [
            self._known(bench.key("o-2"), contract_id="c-1"),
            self._known(bench.key("o-3"), contract_id="c-3"),
        ]

        answers = bench.other.adopt(known, shared=shared, within=WITHIN)

        assert [shared, True] == [each.done for each in answers]
        assert shared is (bench.found(bench.key("o-2")) is not None)

    def test_adopts_one_contract_once(self, bench: Bench) -> None:
        """Of two orders at once with one contract, the first has it."""
        known = [
            self._known(bench.key(f"o-{number}"), contract_id="c-1")
            for number in range(2)
        ]

        answers = bench.one.adopt(known, within=WITHIN)

        assert [True, False] == [each.done for each in answers]

    def test_keeps_what_a_later_version_adds(self, bench: Bench) -> None:
        """What this version does not know survives each of its steps."""
        extra = {"later": [1, {"a": None}], "more": "ö"}
        known = self._known(bench.key(), state=REFUSED, extra=extra)
        bench.one.adopt([known], within=WITHIN)

        record = bench.create(bench.key())

        assert extra == record.extra
        found = bench.found(bench.key())
        assert found is not None
        assert extra == found.extra

    def test_forgets_nothing_while_a_call_may_be_under_way(
        self, bench: Bench
    ) -> None:
        """A claim may have run out, and its create still be on its way."""
        before = bench.claim(bench.key(), bench.holder(lasts=bench.short))
        bench.pass_by()

        answer = bench.forget(bench.key())

        assert not answer.done
        assert before == answer.record == bench.found(bench.key())

    @pytest.mark.parametrize("state", [CLAIMED, UNKNOWN, CREATED, CONFIRMED])
    def test_forgets(self, bench: Bench, state: OrderState) -> None:
        """An order is forgotten once no call can be under way."""
        holder = bench.brief()
        bench.claim(bench.key(), holder)
        if state is UNKNOWN:
            bench.one.mark(
                bench.key(), state, token=holder.token, within=WITHIN
            )
        elif state is not CLAIMED:
            bench.one.first(
                bench.key(),
                holder,
                "c-1",
                confirmed=state is CONFIRMED,
                shared=False,
                within=WITHIN,
            )
        bench.pass_by()

        answer = bench.forget(bench.key())

        assert answer.done
        assert None is answer.record is bench.found(bench.key())
        bench.claim(bench.key(), bench.holder())

    def test_forgets_only_what_was_seen(self, bench: Bench) -> None:
        """An order that has changed since somebody looked is kept."""
        bench.claim(bench.key(), bench.brief())
        bench.pass_by()
        seen = bench.found(bench.key())
        assert seen is not None
        bench.confirm(bench.key())  # Another call takes the claim over.

        answer = bench.other.forget(seen, within=WITHIN)

        assert not answer.done
        assert answer.record is not None
        assert CONFIRMED is answer.record.state

    def test_forgets_nothing_that_is_not_there(self, bench: Bench) -> None:
        """There is nothing to forget, and it says so."""
        seen = OrderRecord(key=bench.key(), state=CONFIRMED)
        answer = bench.one.forget(seen, within=WITHIN)

        assert not answer.done
        assert None is answer.record

    def test_purges_what_has_ended(self, bench: Bench) -> None:
        """Only old orders that were confirmed or refused are removed."""
        bench.confirm(bench.key("old"))
        bench.end(bench.key("refused"), REFUSED)
        bench.create(bench.key("made"), "c-2")
        bench.claim(bench.key("held"), bench.holder())
        bench.end(bench.key("lost"), UNKNOWN)
        # Some stores have a clock of the world, and the machine may be busy.
        bench.wait(bench.short * 24)
        bench.confirm(bench.key("new"), "c-3")

        count = bench.other.purge(bench.short * 20, within=WITHIN)

        assert count >= 2
        assert {"made", "held", "lost", "new"} == {
            each.key.external_order_id for each in bench.entries()
        }

    def test_purges_more_than_a_batch(self, bench: Bench) -> None:
        """All that is old is removed, however much it is."""
        keys = [bench.key(f"o-{number}") for number in range(1_200)]
        known = [self._known(each, at=1.0) for each in keys]
        bench.one.adopt(known, within=WITHIN)

        count = bench.other.purge(60.0, within=WITHIN)

        assert count >= len(keys)
        assert [] == bench.entries()

    def test_lets_a_contract_go_with_its_order(self, bench: Bench) -> None:
        """A contract of an order that was purged may be another one's."""
        bench.confirm(bench.key())
        bench.pass_by()
        bench.other.purge(bench.short, within=WITHIN)
        bench.claim(bench.key("o-2"), holder := bench.holder())

        record = first(bench.other, bench.key("o-2"), holder, "c-1")

        assert record == bench.one.holder(
            bench.where, "shop", "c-1", within=WITHIN
        )

    def test_has_one_salt(self, bench: Bench) -> None:
        """All that share the store have one salt."""
        salts = {
            bench.one.salt(within=WITHIN),
            bench.other.salt(within=WITHIN),
            bench.one.salt(within=WITHIN),
        }

        assert [32] == [len(each) for each in salts]

    @pytest.mark.parametrize("text", ODD)
    def test_takes_odd_ids(self, bench: Bench, text: str) -> None:
        """Any id comes back as it was."""
        key = bench.key(text, vendor_id=text)

        bench.confirm(key, contract_id=text)

        found = bench.found(key)
        assert found is not None
        assert (key, text) == (found.key, found.contract_id)
        assert found == bench.one.holder(key.where, text, text, within=WITHIN)
        assert [found] == bench.entries(external_order_id=text)

    def test_tells_ids_apart_that_look_alike(self, bench: Bench) -> None:
        """Ids are compared letter by letter."""
        ids = ["a", "A", "a ", "\u00e9", "e\u0301", "1", "01", "a:b", "a/b"]

        for each in ids:
            bench.claim(bench.key(each), bench.holder())

        assert len(ids) == len(bench.entries())

    def test_opens_again_after_it_was_closed(self, bench: Bench) -> None:
        """To close a store loses nothing."""
        record = bench.create(bench.key())

        for each in (bench.one, bench.other, bench.one):
            each.close()

        assert record == bench.found(bench.key())

    def test_shows_no_order(self, bench: Bench) -> None:
        """What a store shows of itself is no order."""
        bench.create(bench.key("order-of-anna"), "contract-of-anna")

        assert "anna" not in f"{bench.one!r} {bench.one}"

    @staticmethod
    def _known(key: OrderKey, **more: Any) -> OrderRecord:
        given: dict[str, Any] = {"state": CONFIRMED, **more}
        return OrderRecord(key=key, **given)


class _Races:
    """Nothing comes between what a step reads and what it writes."""

    def test_lets_one_thread_claim(self, bench: Bench) -> None:
        """Of threads that claim the same orders, one wins each."""
        keys = [bench.key(f"o-{number}") for number in range(40)]

        def claim(number: int) -> list[OrderKey]:
            store = (bench.one, bench.other)[number % 2]
            return [
                each
                for each in keys
                if store.claim(each, bench.holder(), within=WITHIN).done
            ]

        won = [key for each in at_once(8, claim) for key in each]

        assert sorted(keys, key=str) == sorted(won, key=str)

    def test_lets_one_contract_count(self, bench: Bench) -> None:
        """All that write a contract down learn of the same one."""
        lost = [bench.brief() for _ in range(8)]
        for each in lost:
            bench.claim(bench.key(), each)
            bench.pass_by()

        def write(number: int) -> str | None:
            store = (bench.one, bench.other)[number % 2]
            answer = store.first(
                bench.key(),
                lost[number],
                f"c-{number}",
                confirmed=False,
                shared=False,
                within=WITHIN,
            )
            assert answer.record is not None
            return answer.record.contract_id

        ids = at_once(8, write)

        record = bench.found(bench.key())
        assert record is not None
        assert {record.contract_id} == {*ids}
        # Of the claims, and of the contracts that came too late.
        assert 7 + 7 == record.strays

    def test_gives_a_contract_to_one_order(self, bench: Bench) -> None:
        """Of orders that write one contract down, one has it."""
        holders = [bench.holder() for _ in range(8)]
        for number, each in enumerate(holders):
            bench.claim(bench.key(f"o-{number}"), each)

        def write(number: int) -> bool:
            store = (bench.one, bench.other)[number % 2]
            return store.first(
                bench.key(f"o-{number}"),
                holders[number],
                "c-1",
                confirmed=False,
                shared=False,
                within=WITHIN,
            ).done

        assert 1 == sum(at_once(8, write))


class StoreContract(_Claims, _Contracts, _Endings, _Keeping, _Races):
    """Rules of each store; a back end adds the fixture `bench`."""


class SharedStoreContract(StoreContract):
    """Rules of a store that other processes reach by ``bench.url``."""

    def test_lets_one_process_claim(self, bench: Bench) -> None:
        """Of processes that claim the same orders, one wins each."""
        assert bench.url is not None

        won = race(bench.url, bench.where, 40, processes=3)

        assert [*range(40)] == sorted(
            number for each in won for number in each
        )
        found = bench.entries(states=[CREATED])
        assert 40 == len({each.contract_id for each in found})


class OptimisticStoreContract(SharedStoreContract):
    """Rules of a store that reads and decides before it locks anything."""

    @pytest.mark.parametrize("before", [None, REFUSED])
    def test_decides_again_if_another_came_first(
        self, bench: Bench, before: OrderState | None
    ) -> None:
        """What is written was decided on what is there."""
        key, seen = bench.key(), list[OrderState | None]()
        if before:
            bench.end(key, before)

        def decide(
            record: OrderRecord | None, _: str | None, __: float
        ) -> Step:
            if not seen:
                bench.create(key)
            seen.append(record.state if record else None)
            old = record or OrderRecord(key=key, state=REFUSED)
            return Step(done=True, record=attrs.evolve(old, source="late"))

        answers = self._write(bench, key, decide)

        assert [before, CREATED] == seen
        assert [bench.found(key)] == [each.record for each in answers]

    def test_removes_nothing_that_another_has_changed(
        self, bench: Bench
    ) -> None:
        """What was changed by another in between is not removed."""
        key, seen = bench.key(), list[OrderState | None]()
        bench.end(key, REFUSED)

        def decide(
            record: OrderRecord | None, _: str | None, __: float
        ) -> Step:
            if not seen:
                bench.create(key)
            seen.append(record.state if record else None)
            done = len(seen) == 1
            return Step(done=done, record=None if done else record)

        [answer] = self._write(bench, key, decide)

        assert not answer.done
        assert answer.record == bench.found(key)

    def test_owns_nothing_that_another_has_taken(self, bench: Bench) -> None:
        """Of two orders that take a contract at once, one has it."""
        key, owners = bench.key(), list[str | None]()
        before = bench.claim(key, bench.holder())

        def decide(
            record: OrderRecord | None, owner: str | None, _: float
        ) -> Step:
            if not owners:
                bench.create(bench.key("o-2"), "c-1")
            owners.append(owner)
            assert record is not None
            if owner is not None:
                return Step(done=False, record=record)
            made = attrs.evolve(record, state=CREATED, contract_id="c-1")
            return Step(done=True, record=made, owns=True, durable=True)

        [answer] = self._write(bench, key, decide, "c-1")

        assert [None, "o-2"] == owners
        assert not answer.done
        assert before == bench.found(key)

    def test_decides_again_only_in_time(self, bench: Bench) -> None:
        """Who is always overtaken gives up in the end."""
        key = bench.key()
        count = iter(range(10_000))

        def decide(_: OrderRecord | None, __: str | None, ___: float) -> Step:
            bench.one.adopt(
                [OrderRecord(key=key, state=REFUSED, source=f"{next(count)}")],
                within=WITHIN,
            )
            new = OrderRecord(key=key, state=REFUSED, source="late")
            return Step(done=True, record=new)

        assert isinstance(bench.other, RecordStore)
        other = bench.other

        error = failure(lambda: other.write([Write(key, decide)], within=0.3))

        assert error.retryable

    @staticmethod
    def _write(
        bench: Bench,
        key: OrderKey,
        decide: Decide,
        contract_id: str | None = None,
    ) -> list[StoreAnswer]:
        assert isinstance(bench.other, RecordStore)
        return bench.other.write(
            [Write(key, decide, contract_id)], within=WITHIN
        )
