"""Traces and metrics of calls, with OpenTelemetry (extra ``otel``).

They contain no personal data: no body, header, URL or message of an error.
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
        "sesamy_async.otel needs OpenTelemetry: "
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

    Put it first: ``AsyncSesamy(middleware=[Telemetry(), ...])``.  It works
    with both clients, and several clients can share it.

    Each call is one span with all its retries and waits, named after its
    operation, such as ``contracts.create`` or ``request GET``; an
    onboarding is a span ``contracts.onboard`` around the spans of its calls.
    The metrics are ``sesamy.client.operation.duration`` and
    ``sesamy.client.attempts``.

    Without a provider, given or global, the cost is negligible.  If a
    provider fails, the call continues, and a warning is logged.

    Args:
        tracer_provider: Creates the spans; by default the global provider,
            which may also be set later.
        meter_provider: Creates the metrics; by default likewise.
        propagate: Whether to send the trace to Sesamy (``traceparent`` and
            ``tracestate``); baggage is never sent.

    Raises:
        ConfigurationError: An argument is invalid; the message names it.
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
        self._attempts = _AttemptCounts()
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
            description="The number of attempts to send a request.",
        )

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Make the call, and record how it ends."""
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
            # Not the path, which has ids in it.
            scheme, _, rest = call.request.url.partition("://")
            span = self._tracer.start_span(
                call.operation,
                kind=_kind(call.operation),
                attributes=_start(
                    call.operation,
                    call.request.method,
                    scheme,
                    rest.partition("/")[0],
                ),
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
        return _Begun(call, span, token, perf_counter())

    def _end(self, begun: _Begun, result: Response | BaseException) -> None:
        """Count the call, and end its span."""
        seconds = perf_counter() - begun.at
        try:
            span, call = begun.span, begun.call
            ending = _ending(call, result)
            if span.is_recording():
                span.set_attributes(ending)
                span.set_attributes(_details(call, result))
                if "error.type" in ending:
                    # Without an event: messages and tracebacks are no
                    # business of a trace, see docs/privacy.md.
                    outcome = str(ending["sesamy.outcome"])
                    span.set_status(trace.StatusCode.ERROR, outcome)
            span.end()
            ending["sesamy.operation"] = call.operation
            self._duration.record(seconds, ending)
            if call.operation != _COMPOSED and call.record.attempts:
                self._attempts.add(call.operation, call.record.attempts)
        except Exception as error:  # noqa: BLE001 - anything of a provider
            _warn(error)
        # Last, for the metrics refer to the current span in their exemplars.
        # A coroutine that is thrown away may end in another context.
        if begun.token and not isinstance(result, GeneratorExit):
            context.detach(begun.token)


@attrs.frozen(eq=False, repr=False)
class _Begun:
    """A call on its way."""

    call: Call
    span: trace.Span
    token: Token[context.Context] | None
    at: float


class _AttemptCounts:
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


def _kind(operation: str) -> trace.SpanKind:
    # CLIENT for a call: its span is the only one of ours for its requests,
    # with all retries inside, as the HTTP conventions permit and the AWS
    # SDK's want.  INTERNAL for an onboarding, whose two calls have spans of
    # their own; the Azure SDK does so with methods around CLIENT spans.
    # https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    # https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
    # https://azure.github.io/azure-sdk/opentelemetry_conventions.html
    composed = operation == _COMPOSED
    return trace.SpanKind.INTERNAL if composed else trace.SpanKind.CLIENT


@lru_cache(maxsize=64)
def _start(
    operation: str, method: str, scheme: str, host: str
) -> Mapping[str, _Value]:
    """Return the attributes of a span from its start, for samplers."""
    start: dict[str, _Value] = {"sesamy.operation": operation}
    if operation == _COMPOSED:
        return start
    parts = urlsplit(f"//{host}")
    start |= {
        "server.address": parts.hostname or "",
        "server.port": parts.port or (80 if scheme == "http" else 443),
        "http.request.method": method,
    }
    if operation in _TEMPLATES:
        start["url.template"] = _TEMPLATES[operation]
    return start


def _ending(call: Call, result: object) -> dict[str, _Value]:
    """Return the attributes of spans and metrics; all have few values."""
    if isinstance(result, BaseException):
        return _failure(call, result)
    if not isinstance(result, Response):  # Of a middleware.
        outcome = call.record.settle(Outcome.NOT_SENT)
        return {"sesamy.outcome": str(outcome), "error.type": "_OTHER"}
    status = result.status_code
    if status in SUCCESS:
        return {"sesamy.outcome": "DONE"}
    # Also of a middleware; the client will raise it as an error.
    outcome = call.record.settle(outcome_of_status(status))
    return {
        "sesamy.outcome": str(outcome),
        "error.type": str(status),
        "http.response.status_code": status,
    }


def _failure(call: Call, error: BaseException) -> dict[str, _Value]:
    ending: dict[str, _Value] = {"error.type": type(error).__qualname__}
    status = call.record.status_code
    if isinstance(error, SesamyError):
        # As the client will, where a middleware raised it.
        describe(call, error)
        ending["sesamy.retryable"] = error.retryable
    # That of an `AuthenticationError` is the token endpoint's.
    if isinstance(error, APIError | UnreadableResponseError):
        status = error.status_code
    if status and call.operation != _COMPOSED:
        ending["http.response.status_code"] = status
    outcome = (
        error.outcome
        if isinstance(error, SesamyError)
        else call.record.outcome_of_foreign
    )
    # As exporters, which know no enums, should show it.
    ending["sesamy.outcome"] = str(outcome)
    return ending


def _details(call: Call, result: object) -> Mapping[str, _Value]:
    """Return the attributes that have too many values for metrics."""
    sends = call.operation != _COMPOSED
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
