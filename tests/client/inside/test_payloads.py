"""Which order a contract belongs to."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from sesamy_async._payloads import RecentIds


def test_recent_ids() -> None:
    """An id belongs to its first order, as long as it is remembered."""
    recent = RecentIds(most=2)
    belongs = [
        recent.belongs("acme", contract_id, order)
        for contract_id, order in ("a1", "a2", "b1", "a1", "c1", "b2", "a1")
    ]

    # Only the latest two are known: b was forgotten when c came.
    assert [True, False, True, True, True, True, True] == belongs
    assert not recent.belongs("acme", "b", "1")
    assert recent.belongs("other", "b", "1")


def test_after_a_fork() -> None:
    """A child can ask, whoever held the lock."""
    recent = RecentIds()
    recent._lock.acquire()
    recent.after_fork()

    assert recent.belongs("acme", "a", "1")


def test_recent_ids_in_threads() -> None:
    """Threads that fill it up at once don't disturb each other."""
    recent = RecentIds(most=20)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def ask(thread: int) -> bool:
        return all(
            recent.belongs("acme", f"{thread}-{each}", "1")
            for each in range(20_000)
        )

    try:
        with ThreadPoolExecutor(4) as threads:
            answers = [*threads.map(ask, range(4))]
    finally:
        sys.setswitchinterval(before)

    assert [True] * 4 == answers
