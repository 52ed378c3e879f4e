"""What a call is, how it is sent, and what can become of it; no event loop."""

from __future__ import annotations

from .anyio_runtime import AnyioEvent, AnyioRuntime, load_backends
from .attempt import Authorize, Deadline, Exchange, LogCalls, chain
from .call import (
    Auth,
    BeforeSend,
    Call,
    Kept,
    Latency,
    Middleware,
    Order,
    Proceed,
    Record,
    Request,
    Reservation,
    Response,
    Secret,
    Transport,
    Trusts,
    trusts_all,
)
from .codec import Codec, OrjsonCodec, dumps
from .drive import drive
from .explain import (
    AUDIENCES,
    LARGEST_ERROR,
    SCOPES,
    contradicted,
    explain_answer,
    explain_failure,
    in_our_words,
    is_own,
    seconds,
    unreadable,
)
from .guard import forget_locals, guarded
from .pace import Bucket, Pace, RateLimit
from .redact import presentable, redact
from .retry import Quota, Reason, Resend, Retry, RetryBudget, RetryPolicy
from .runtime import (
    BlockingEvent,
    BlockingRuntime,
    EndedJob,
    Event,
    Job,
    Runtime,
    renewed_after_fork,
)


__all__ = [
    "AUDIENCES",
    "LARGEST_ERROR",
    "SCOPES",
    "AnyioEvent",
    "AnyioRuntime",
    "Auth",
    "Authorize",
    "BeforeSend",
    "BlockingEvent",
    "BlockingRuntime",
    "Bucket",
    "Call",
    "Codec",
    "Deadline",
    "EndedJob",
    "Event",
    "Exchange",
    "Job",
    "Kept",
    "Latency",
    "LogCalls",
    "Middleware",
    "Order",
    "OrjsonCodec",
    "Pace",
    "Proceed",
    "Quota",
    "RateLimit",
    "Reason",
    "Record",
    "Request",
    "Resend",
    "Reservation",
    "Response",
    "Retry",
    "RetryBudget",
    "RetryPolicy",
    "Runtime",
    "Secret",
    "Transport",
    "Trusts",
    "chain",
    "contradicted",
    "drive",
    "dumps",
    "explain_answer",
    "explain_failure",
    "forget_locals",
    "guarded",
    "in_our_words",
    "is_own",
    "load_backends",
    "presentable",
    "redact",
    "renewed_after_fork",
    "seconds",
    "trusts_all",
    "unreadable",
]
