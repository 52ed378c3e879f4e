"""The tables, in Markdown: the same on the screen and in the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.pairing import Spread
from benchmarks.report import number, table


_NONE = "none"
_PACER = "RedisPacer"
_ADDED = "Milliseconds added to an onboard, and memory of the process:\n"
_STORES = ("none", "memory", "SQLite", "Postgres", "Redis")


def report(kept: dict[str, Any]) -> str:
    """Return all tables of a run.

    Args:
        kept: What `benchmarks.places` keeps of it.
    """
    parts: list[str] = []
    if "measured" in kept:
        parts += _of_stores(kept)
    if "engines" in kept:
        parts += _of_engines(kept["engines"])
    return "\n".join(parts).rstrip()


def _of_stores(kept: dict[str, Any]) -> Iterator[str]:
    measured = kept["measured"]
    commits = Spread.of(measured["commit"])
    yield "### Stores\n"
    yield _setting(kept)
    yield (
        f"A durable commit of a file takes {_ms(commits)} ms on this disk; "
        f"a call that waits for its turn {measured['waiting']:.0f} KB.\n"
    )
    yield _ADDED
    yield _added(measured, _STORES)
    yield "Orders per second that a store takes:\n"
    yield _throughput(measured["throughput"], kept["scale"]["processes"])
    yield "Bytes per order; what stays is also the MB per million orders:\n"
    yield _bytes(measured)


def _of_engines(kept: dict[str, Any]) -> Iterator[str]:
    pace, found = kept["measured"]["pace"], kept["measured"]["engines"]
    scale = kept["scale"]["pace"]
    yield "### One pace in a Redis, and engines\n"
    yield _setting(kept)
    yield _ADDED
    yield _added(pace, (_NONE, _PACER))
    yield "Requests per second that one Redis paces:\n"
    yield _throughput(pace["throughput"], scale["processes"])
    yield (
        "Milliseconds from handing over an order until it is confirmed, and "
        "orders per second of one worker with a backlog:\n"
    )
    yield _times(found)
    yield (
        "Milliseconds of processor time per order of a backlog, and MB of "
        "memory:\n"
    )
    yield _taken(found)


def _setting(kept: dict[str, Any]) -> str:
    machine = kept["machine"]
    names = (f"{name} {each}" for name, each in kept["versions"].items())
    return (
        f"Run of {kept['date']} ({kept['scale']['name']}, "
        f"{kept['seconds']} s): {machine['implementation']} "
        f"{machine['python']}, {machine['system']} "
        f"{machine['architecture']}, {machine['cores']} cores, "
        f"load average {kept['load']}, loopback.\n"
        f"Versions: {', '.join(names)}.\n"
    )


def _added(measured: Mapping[str, Any], names: Sequence[str]) -> str:
    clients: Mapping[str, Any] = measured["onboards"]
    head = ["with"]
    for client in clients:
        head += [f"{client}: p50 (middle half)", "processor time"]
    rows = [[name, *_of_clients(clients, name)] for name in names]
    for row in rows:
        memory = measured["memory"].get(row[0])
        row.append(f"{median(memory):.0f}" if memory else "")
    return table([*head, "MB"], rows)


def _of_clients(clients: Mapping[str, Any], name: str) -> Iterator[str]:
    for each in clients.values():
        took, processor = each["took"], each["processor"]
        if name == _NONE:
            yield f"{1_000 * median(took[name]):.1f} in all"
            yield f"{1_000 * median(processor[name]):.1f} in all"
        else:
            yield _ms(Spread.of(_more(took[name], took[_NONE])))
            used = median(_more(processor[name], processor[_NONE]))
            yield f"{1_000 * used:.1f}"


def _more(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(above, below, strict=True)]


def _ms(spread: Spread) -> str:
    figures = spread.median, spread.q1, spread.q3
    middle, q1, q3 = (f"{1_000 * each:.1f}" for each in figures)
    return f"{middle} ({q1} to {q3})"


def _p95(figures: Sequence[float]) -> float:
    return quantiles(figures, n=20, method="inclusive")[-1]


def _throughput(kept: Mapping[str, Any], processes: Sequence[int]) -> str:
    rows: list[list[str]] = []
    names = {each.partition(", ")[0] for each in kept["rates"]}
    for name in sorted(names, key=[*_STORES, _PACER].index):
        cells = [name]
        for n in processes:
            spread = Spread.of(kept["rates"][f"{name}, {n}"])
            between = f"{number(spread.q1)} to {number(spread.q3)}"
            cells.append(f"{number(spread.median)} ({between})")
        for whose in ("clients", "server"):
            used = [
                each for n in processes for each in kept[whose][f"{name}, {n}"]
            ]
            cells.append(f"{median(used):.1f} ms" if any(used) else "")
        rows.append(cells)
    crowds = [
        f"{n} process" if n == 1 else f"{n} processes" for n in processes
    ]
    head = ["with", *crowds, "processor time of the client", "of the server"]
    return table(head, rows)


def _bytes(measured: Mapping[str, Any]) -> str:
    what = {
        "questions": "round trips",
        "flushes": "flushes",
        "sent": "sent",
        "received": "received",
        "written": "written to disk",
    }
    stays = {"memory": "stays in memory", "disk": "stays on disk"}
    kept = measured["MemoryStore"]
    rows = [["memory", *[""] * len(what), _count(kept), ""]]
    for name, each in measured["work"].items():
        worked = (each.get(field) for field in what)
        sizes = (_slope(measured["size"][name], where) for where in stays)
        rows.append([name, *map(_count, [*worked, *sizes])])
    head = ["store", *what.values()]
    return table([*head, *stays.values()], rows)


def _slope(points: Sequence[Mapping[str, float]], where: str) -> float | None:
    """Return what one more order adds."""
    if where not in points[0]:
        return None
    (first, *_, last) = points
    more: float = last["orders"] - first["orders"]
    return (last[where] - first[where]) / more


def _count(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _times(kept: Mapping[str, Any]) -> str:
    rows: list[list[str]] = []
    for name, each in kept.items():
        spread = Spread.of(each["waits"])
        figures = spread.median, spread.q1, spread.q3, _p95(each["waits"])
        [p50, q1, q3, p95] = [f"{1_000 * one:.0f}" for one in figures]
        rates = Spread.of(each["rates"])
        between = f"{rates.low:.0f} to {rates.high:.0f}"
        rate = f"{rates.median:.0f} ({between})"
        rows.append([name, f"{p50} ({q1} to {q3})", p95, rate])
    head = ["engine", "p50 (middle half)", "p95"]
    return table([*head, "orders per second (all rounds)"], rows)


def _taken(kept: Mapping[str, Any]) -> str:
    what = {
        "processor: worker": "worker, ms",
        "processor: Postgres": "Postgres",
        "processor: Redis": "Redis",
        "processor: Temporal": "Temporal",
        "processes": "processes of a worker",
        "resident: worker": "resident, MB",
        "proportional: worker": "shared pages once",
        "resident: Redis": "Redis",
        "resident: Temporal": "Temporal",
    }
    rows: list[list[str]] = []
    for name, each in kept.items():
        cells = [name]
        for field in what:
            found = each.get(field, ())
            if field.startswith("processor:"):
                found = [1_000 * one for one in found]
            cells.append(f"{median(found):.0f}" if any(found) else "")
        rows.append(cells)
    return table(["engine", *what.values()], rows)
