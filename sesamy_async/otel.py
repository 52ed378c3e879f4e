"""Traces and metrics of the calls, with OpenTelemetry (extra ``otel``).

Nothing personal is in them: no body, header, URL or message of an error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextvars import Token
from functools import lru_cache
from threading import Lock
from time import perf_counter
from typing import TypeAlias
from urllib.parse import urlsplit

import attrs

from ._call import Call, Proceed, Response, renewed_after_fork
from ._call.explain import request_id_in
from ._headers import SUCCESS
from ._outcome import Outcome, outcome_of_status
from ._pipeline import describe
from ._settings import check_flag
from ._version import __version__
from .errors import (
    APIError,
    ConfigurationError,
    SesamyError,
    UnreadableResponseError,
)


try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )
except ImportError:
    raise ConfigurationError(
        "sesamy_async.otel needs a package that is not there. Give: "
        "pip install 'sesamy-async[otel]'."
    ) from None


__all__ = ["Telemetry"]

_Value: TypeAlias = str | int

_log = logging.getLogger("sesamy_async")

_PROMO = "/payments/vendor/{vendorId}/promos/code/{promoCode}"
_TEMPLATES = {
    "contracts.create": _PROMO,
    "contracts.confirm": f"{_PROMO}/confirm/{{contractId}}",
}
_COMPOSED = "contracts.onboard"
# From a call over loopback to the default deadline, in seconds.
_BUCKETS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
)
# No baggage: that may hold anything.
_PROPAGATOR = TraceContextTextMapPropagator()


class Telemetry:
    """A middleware that traces and counts the calls of a client.

    Give it first: ``AsyncSesamy(middleware=[Telemetry(), ...])``.  It is for
    both clients, and can be shared by several.

    Each call is a span with all its retries and waits, named by its
    operation, such as ``contracts.create`` or ``request GET``; an
    onboarding is a span ``contracts.onboard`` around those of its calls.
    Each is counted in the metrics ``sesamy.client.operation.duration`` and
    ``sesamy.client.attempts``.

    Without a provider, given or global, it costs next to nothing.  A
    provider that fails does not fail a call: it is a warning in the log.

    Args:
        tracer_provider: Makes the spans; by default the global one, which
            may also be set later.
        meter_provider: Makes the metrics; likewise.
        propagate: Whether to send the trace to Sesamy (``traceparent`` and
            ``tracestate``), but never baggage.

    Raises:
        ConfigurationError: An argument is impossible; it is named.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        propagate: bool = False,
    ) -> None:
        _check_kind("tracer_provider", tracer_provider, trace.TracerProvider)
        _check_kind("meter_provider", meter_provider, metrics.MeterProvider)
        self._propagate = check_flag("propagate", propagate)
        self._tracer = trace.get_tracer(
            "sesamy_async", __version__, tracer_provider
        )
        self._attempts = _Attempts()
        meter = metrics.get_meter("sesamy_async", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "sesamy.client.operation.duration",
            unit="s",
            description="How long operations took, with waits and retries.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        # Asked for when metrics are collected: to count is then only to add,
        # and takes no share of the SDK's time for a call.
        meter.create_observable_counter(
            "sesamy.client.attempts",
            [self._attempts.observed],
            unit="{attempt}",
            description="How often requests were sent, or tried to be sent.",
        )

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Let the call go on, and look how it ends."""
        begun = self._begin(call)
        if begun is None:
            return await proceed(call)
        try:
            response = await proceed(begun.call)
        except BaseException as error:
            self._end(begun, error)
            raise
        self._end(begun, response)
        return response

    def _begin(self, call: Call) -> _Begun | None:
        """Start a span; None if that fails."""
        try:
            facts = _facts_of(call)
            span = self._tracer.start_span(
                call.operation, kind=facts.kind, attributes=facts.span
            )
            # It is not valid where nothing is traced.
            valid = span.get_span_context().is_valid
            current = trace.set_span_in_context(span) if valid else None
            if self._propagate:
                headers: dict[str, str] = {}
                _PROPAGATOR.inject(headers, current)
                call = call.with_headers(**headers)
            token = None if current is None else context.attach(current)
        except Exception as error:  # noqa: BLE001 - anything of a provider
            _warn(error)
            return None
        return _Begun(call, facts, span, token, perf_counter())

    def _end(self, begun: _Begun, result: Response | BaseException) -> None:
        """Count the call, and end its span."""
        seconds = perf_counter() - begun.at
        try:
            ending = _ending_of(begun, result)
            facts, span, call = begun.facts, begun.span, begun.call
            record = call.record
            if span.is_recording():
                span.set_attributes(_named(ending))
                span.set_attributes(_details(begun, result))
                if ending.error is not None:
                    # Without an event: messages and tracebacks are no
                    # business of a trace, see docs/privacy.md.
                    outcome = str(ending.outcome)
                    span.set_status(trace.StatusCode.ERROR, outcome)
            span.end()
            self._duration.record(seconds, _counted(facts, ending))
            if facts.sends and record.attempts:
                self._attempts.add(call.operation, record.attempts)
        except Exception as error:  # noqa: BLE001 - anything of a provider
            _warn(error)
        # Last, for the metrics refer to the current span in their exemplars.
        # A coroutine that is thrown away may end in another context.
        if begun.token and not isinstance(result, GeneratorExit):
            context.detach(begun.token)


class _Attempts:
    """Adds up the attempts of each operation."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Count what this process does."""
        self._counts = {}
        self._lock = Lock()

    def add(self, operation: str, attempts: int) -> None:
        """Count those of a call."""
        with self._lock:
            self._counts[operation] = self._counts.get(operation, 0) + attempts

    def observed(
        self, options: metrics.CallbackOptions
    ) -> Iterable[metrics.Observation]:
        """Return the sums."""
        del options
        with self._lock:
            counts = self._counts.copy()
        return [
            metrics.Observation(count, {"sesamy.operation": operation})
            for operation, count in counts.items()
        ]


def _check_kind(argument: str, value: object, kind: type[object]) -> None:
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(
            f"{argument} must be an OpenTelemetry {kind.__name__}, not "
            f"{type(value).__name__}."
        )


def _warn(error: Exception) -> None:
    _log.warning("Telemetry failed with %s.", type(error).__name__)


@attrs.frozen(kw_only=True, eq=False)
class _Facts:
    """What all calls of an operation have in common.

    Attributes:
        kind: CLIENT for a call.  It is the only span of ours for its
            requests, so it is that of the outgoing request, with all resends
            inside: the HTTP conventions permit one span for the top-most
            operation, and the AWS SDK's want CLIENT for an SDK's call.
            INTERNAL for an onboarding: the remote children are those of its
            two calls, and a second CLIENT span would count them twice.  The
            Azure SDK does so with its public methods around CLIENT spans.
        span: Attributes of the span from its start, where samplers see them.
        metric: Attributes of the metrics; each takes the SDK its time.
        done: The same for a call that is done.
        sends: Whether it is one call, and does not consist of others.
    """

    # https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    # https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
    # https://opentelemetry.io/docs/specs/otel/trace/api/#spankind
    # https://azure.github.io/azure-sdk/opentelemetry_conventions.html
    kind: trace.SpanKind
    span: Mapping[str, _Value]
    metric: Mapping[str, _Value]
    done: Mapping[str, _Value]
    sends: bool


@lru_cache(maxsize=64)
def _facts(operation: str, method: str, scheme: str, host: str) -> _Facts:
    metric: dict[str, _Value] = {"sesamy.operation": operation}
    done = {**metric, "sesamy.outcome": "DONE"}
    if operation == _COMPOSED:
        return _Facts(
            kind=trace.SpanKind.INTERNAL,
            span=metric,
            metric=metric,
            done=done,
            sends=False,
        )
    parts = urlsplit(f"//{host}")
    span = {
        **metric,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (80 if scheme == "http" else 443),
        "http.request.method": method,
    }
    if operation in _TEMPLATES:
        span["url.template"] = _TEMPLATES[operation]
    return _Facts(
        kind=trace.SpanKind.CLIENT,
        span=span,
        metric=metric,
        done=done,
        sends=True,
    )


def _facts_of(call: Call) -> _Facts:
    # Not the path, which has ids in it.
    scheme, _, rest = call.request.url.partition("://")
    host = rest.partition("/")[0]
    return _facts(call.operation, call.request.method, scheme, host)


@attrs.frozen
class _Ending:
    """How a call ended.

    Attributes:
        outcome: An `Outcome`, or ``"DONE"``.
        error: The class of the error, or a status; None if it is done.
        status: Of the last answer, if it was an error.
        retryable: What the error says; None if it is not the SDK's.
    """

    outcome: str
    error: str | None = None
    status: int | None = None
    retryable: bool | None = None


@lru_cache(maxsize=512)
def _named(ending: _Ending) -> Mapping[str, _Value]:
    """Return the attributes, for spans and metrics; all have few values."""
    named: dict[str, _Value | None] = {
        # As exporters, which know no enums, should show it.
        "sesamy.outcome": str(ending.outcome),
        "sesamy.retryable": ending.retryable,
        "error.type": ending.error,
        "http.response.status_code": ending.status,
    }
    return {name: each for name, each in named.items() if each is not None}


_DONE = _Ending("DONE")


def _counted(facts: _Facts, ending: _Ending) -> Mapping[str, _Value]:
    """Return the attributes of metrics; most calls need no new ones."""
    if ending is _DONE:
        return facts.done
    return {**facts.metric, **_named(ending)}


@attrs.frozen(eq=False, repr=False)
class _Begun:
    """A call on its way."""

    call: Call
    facts: _Facts
    span: trace.Span
    token: Token[context.Context] | None
    at: float


def _ending_of(begun: _Begun, result: object) -> _Ending:
    call = begun.call
    if isinstance(result, BaseException):
        return _failure(begun, result)
    if not isinstance(result, Response):  # Of a middleware.
        return _Ending(call.record.settle(Outcome.NOT_SENT), "_OTHER")
    status = result.status_code
    if status in SUCCESS:
        return _DONE
    # Also of a middleware; the client will raise it as an error.
    outcome = call.record.settle(outcome_of_status(status))
    return _Ending(outcome, str(status), status)


def _failure(begun: _Begun, error: BaseException) -> _Ending:
    call, kind = begun.call, type(error).__qualname__
    status = _status(begun, error)
    if isinstance(error, SesamyError):
        # As the client will, where a middleware raised it.
        describe(call, error)
        return _Ending(error.outcome, kind, status, error.retryable)
    return _Ending(call.record.outcome_of_foreign, kind, status)


def _status(begun: _Begun, error: BaseException) -> int | None:
    """Return the status of Sesamy's last answer."""
    if not begun.facts.sends:
        return None
    # That of an `AuthenticationError` is the token endpoint's.
    if isinstance(error, APIError | UnreadableResponseError):
        return error.status_code or None
    return begun.call.record.status_code


def _details(begun: _Begun, result: object) -> Mapping[str, _Value]:
    """Return the attributes that are too many for metrics."""
    call, sends = begun.call, begun.facts.sends
    attempts, request_id = call.record.attempts, None
    if isinstance(result, SesamyError):
        request_id = result.request_id
    details: dict[str, _Value] = {}
    if isinstance(result, Response) and sends:
        request_id = request_id_in(call, result.headers)
        details["http.response.status_code"] = result.status_code
    if attempts:
        details["sesamy.attempts"] = attempts
    if attempts > 1 and sends:
        details["http.request.resend_count"] = attempts - 1
    if request_id is not None:
        details["sesamy.request_id"] = request_id
    if call.external_order_id is not None:
        details["sesamy.external_order_id"] = call.external_order_id
    return details
