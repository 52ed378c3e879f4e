"""Everything into which the SDK could spill: one row for each sink.

A sink is given what a call left behind and returns the texts that somebody
might read.  Another part of the SDK that writes something gets its row here.
"""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator
from logging import LogRecord

import attrs

from sesamy_async import (
    Call,
    Contract,
    NewContract,
    Request,
    Response,
    SesamyError,
    User,
)
from sesamy_async.auth import FileTokenStore

from .leaks import is_ours
from .telemetry import Told


@attrs.frozen(kw_only=True)
class Left:
    """What a call left behind."""

    error: BaseException | None
    objects: tuple[object, ...]  # That a caller or a middleware can hold.
    logged: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    store: FileTokenStore | None = None
    told: Told | None = None


def values_of(record: LogRecord) -> str:
    """Return what a formatter for machines writes of a log record."""
    return repr({**vars(record), "exc_info": None})


def _reprs(left: Left) -> Iterator[str]:
    for each in left.objects:
        yield from (repr(each), str(each), f"{[each]}")


def _copies(left: Left) -> Iterator[str]:
    for each in (*left.objects, left.error):
        try:
            copied = copy.deepcopy(each)
        except Exception as error:  # noqa: BLE001 - its words are a sink too
            yield str(error)
        else:
            yield repr(copied)


# These are for the caller's program: they are pickled for what they hold.
_DATA = (NewContract, User, Contract, Call, Request, Response)


def _pickles(left: Left) -> Iterator[str]:
    for each in (*left.objects, left.error):
        if isinstance(each, _DATA):
            continue
        try:
            yield pickle.dumps(each, 0).decode("unicode-escape")
        except Exception as error:  # noqa: BLE001 - as above
            yield str(error)


def chained(error: BaseException | None) -> Iterator[BaseException]:
    """Walk over an error and all that hangs on it."""
    while error is not None:
        yield error
        yield from chained(error.__cause__)
        error = error.__context__


def _tracebacks(left: Left) -> Iterator[str]:
    """Yield what a tool shows that looks at the locals of our frames."""
    for each in chained(left.error):
        told = traceback.TracebackException.from_exception(
            each, capture_locals=True
        )
        yield "".join(told.format_exception_only())
        for frame in told.stack:
            if is_ours(frame.filename):
                yield f"{frame.name}: {frame.locals}"


def _attributes(left: Left) -> Iterator[str]:
    """Yield all attributes of an error but those that are the answer."""
    for each in chained(left.error):
        if isinstance(each, SesamyError):
            shown = {**vars(each)}
            for answer in ("headers", "body"):
                shown.pop(answer, None)
            yield repr(shown)


def _token_of_another(left: Left) -> Iterator[str]:
    if left.store is not None:
        for key in ("", "another", "c"):
            stored = left.store.load(key)
            yield "" if stored is None else stored.value.reveal()


def _token_file(left: Left) -> Iterator[str]:
    """Yield the file, without the token: that is what it is for."""
    if left.store is not None and left.store.path.exists():
        text = left.store.path.read_text(encoding="utf-8")
        yield text.replace(_value(text), "")


def _value(text: str) -> str:
    _, _, rest = text.partition('"value"')
    return rest.partition('"')[2].partition('"')[0] or "no token"


def _spans(left: Left) -> Iterator[str]:
    if left.told is not None:
        for span in left.told.spans:
            yield span.to_json()
            yield repr(vars(span))


def _metrics(left: Left) -> Iterator[str]:
    if left.told is not None:
        for metric in left.told.metrics():
            yield metric.to_json()


Sink = Callable[[Left], Iterable[str]]

SINKS: dict[str, Sink] = {
    "logs": lambda left: left.logged,
    "warnings": lambda left: left.warned,
    "stdout and stderr": lambda left: left.printed,
    "reprs": _reprs,
    "deep copies": _copies,
    "pickles": _pickles,
    "tracebacks": _tracebacks,
    "attributes of errors": _attributes,
    "token of another client": _token_of_another,
    "token file": _token_file,
    "spans": _spans,
    "metrics": _metrics,
}
