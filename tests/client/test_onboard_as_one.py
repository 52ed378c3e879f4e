"""An onboarding is one operation for middleware and log, with two steps."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import anyio
import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    BadRequestError,
    Call,
    ConfigurationError,
    ConnectionFailedError,
    Contract,
    Onboarded,
    Outcome,
    Proceed,
    Response,
    SesamyError,
    what_became,
)
from sesamy_async.idempotency import MemoryStore
from support.calling import ONCE
from support.middleware import (
    around,
    deny,
    fail_late,
    insist,
    replace,
    twice,
)
from support.wire import API, ORDER, QUICK


ONBOARD, CREATE, CONFIRM = (
    "contracts.onboard",
    "contracts.create",
    "contracts.confirm",
)


def answering(
    api: respx.Router, create: Any = None, confirm: Any = None
) -> tuple[respx.Route, respx.Route]:
    """Answer both steps, by default with success."""
    made = httpx.Response(200, json={"id": "c1"})
    return (
        api.post(f"{API}?confirm=false").mock(side_effect=create or [made]),
        api.post(f"{API}/confirm/c1").mock(side_effect=confirm or [made]),
    )


async def onboard(client: AsyncSesamy, **options: Any) -> Onboarded:
    """Onboard the usual order."""
    return await client.contracts.onboard("SPRING-12", ORDER, **options)


async def test_passes_as_one(api: respx.Router) -> None:
    """The middleware sees the whole, and inside it the steps."""
    answering(api)
    seen: list[Any] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        seen.append(("begin", call.operation, call.parent))
        response = await proceed(call)
        seen.append(("end", call.operation, type(response.parsed)))
        return response

    async with around(watch) as client:
        result = await onboard(client)

    assert "c1" == result.contract.id
    assert [
        ("begin", ONBOARD, None),
        ("begin", CREATE, ONBOARD),
        ("end", CREATE, Contract),
        ("begin", CONFIRM, ONBOARD),
        ("end", CONFIRM, Contract),
        ("end", ONBOARD, Onboarded),
    ] == seen
    assert result.contract.response is not None
    assert 200 == result.contract.response.status_code


async def test_knows_what_it_is_about(api: respx.Router) -> None:
    """The call of the whole names order, offer and publisher."""
    answering(api)
    calls: list[Call] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        calls.append(call)
        return await proceed(call)

    async with around(watch) as client:
        await onboard(client)

    for call in calls:
        assert ("o-1", "acme", "SPRING-12") == (
            call.external_order_id,
            call.vendor_id,
            call.promo_code,
        )


async def test_changes_of_the_whole_reach_both_steps(
    api: respx.Router,
) -> None:
    """Headers, timeout and deadline that it sets are those of both steps."""
    create, confirm = answering(api)
    limits: list[tuple[float, float]] = []

    async def change(call: Call, proceed: Proceed) -> Response:
        if call.operation == ONBOARD:
            call = attrs.evolve(
                call.with_headers(X_Tenant="7"), timeout=3.0, deadline=1e12
            )
        else:
            limits.append((call.timeout, call.deadline))
        return await proceed(call)

    async with around(change) as client:
        await onboard(client)

    for route in (create, confirm):
        assert "7" == route.calls.last.request.headers["x-tenant"]
    assert [(3.0, 1e12)] * 2 == limits


def only(operation: str, middleware: Any) -> Any:
    """Return it for this operation; others just proceed."""

    async def step(call: Call, proceed: Proceed) -> Response:
        inner = middleware if call.operation == operation else _proceed
        response: Response = await inner(call, proceed)
        return response

    return step


async def _proceed(call: Call, proceed: Proceed) -> Response:
    return await proceed(call)


LOST = httpx.ReadTimeout("x")
BAD = httpx.Response(400)
UNREACHED = httpx.ConnectError("x")


@pytest.mark.parametrize(
    ("middleware", "create", "confirm", "words", "outcome", "facts"),
    [
        (twice, None, None, "second contract", "APPLIED", (None, "c1")),
        (fail_late, None, None, "KeyError", "APPLIED", (None, "c1")),
        (replace, None, None, "with dict", "APPLIED", (None, "c1")),
        (deny, None, None, "No.", "APPLIED", (None, "c1")),
        (deny, [LOST] * 9, None, "No.", "UNKNOWN", ("create", None)),
        (deny, [UNREACHED] * 9, None, "No.", "NOT_SENT", ("create", None)),
        (deny, None, [LOST] * 9, "No.", "UNKNOWN", ("confirm", "c1")),
        (deny, None, [UNREACHED] * 9, "No.", "UNKNOWN", ("confirm", "c1")),
        # The contract is there, so it can't be that nothing was sent.
        (deny, None, [BAD], "No.", "UNKNOWN", ("confirm", "c1")),
        (insist, None, [BAD], "second contract", "UNKNOWN", ("confirm", "c1")),
    ],
)
async def test_mistakes_of_a_middleware(  # noqa: PLR0917 - a table
    api: respx.Router,
    middleware: Any,
    create: Any,
    confirm: Any,
    words: str,
    outcome: str,
    facts: tuple[str | None, str | None],
) -> None:
    """Whatever it does, the outcome, step and contract are true."""
    answering(api, create, confirm)
    async with around(only(ONBOARD, middleware), retry=QUICK) as client:
        with pytest.raises(SesamyError, match=words) as caught:
            await onboard(client)
    error = caught.value

    assert (outcome, ONBOARD) == (error.outcome, error.operation)
    assert facts == (error.step, error.contract_id)


async def test_may_be_done_again_after_a_retryable_error(
    api: respx.Router,
) -> None:
    """At worst that leaves a stray, which the result counts."""
    made = httpx.Response(200, json={"id": "c1"})
    create, _ = answering(api, [LOST] * QUICK.attempts + [made])
    async with around(only(ONBOARD, insist), retry=QUICK) as client:
        result = await onboard(client)

    assert QUICK.attempts + 1 == create.call_count
    assert (QUICK.attempts, "c1") == (result.strays, result.contract.id)


async def test_answer_of_a_middleware() -> None:
    """Its own answer is read as that of a create, and is taken as done."""

    async def answer(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        return Response(status_code=200, content=b'{"id": "c9"}')

    async with around(answer) as client:
        result = await onboard(client)

    assert Onboarded(contract=Contract(id="c9")) == result


async def test_interrupted_by_a_middleware_after_it_was_done(
    api: respx.Router,
) -> None:
    """The note names the contract, and says that it is confirmed."""
    answering(api)

    async def wait(call: Call, proceed: Proceed) -> Response:
        response = await proceed(call)
        await anyio.sleep_forever()
        return response

    errors: list[BaseException] = []
    async with around(only(ONBOARD, wait)) as client:
        with anyio.move_on_after(0.2):
            try:
                await onboard(client)
            except BaseException as error:
                errors.append(error)
                raise
    became = what_became(errors[0])

    assert became is not None
    assert (Outcome.APPLIED, "confirm", "c1") == (
        became.outcome,
        became.step,
        became.contract_id,
    )


async def test_mistake_of_a_middleware_over_a_store(
    api: respx.Router,
) -> None:
    """With a store the same call goes on, whatever the middleware did."""
    create, _ = answering(api)
    store, faults = MemoryStore(), [fail_late]

    async def sometimes(call: Call, proceed: Proceed) -> Response:
        return await (faults.pop() if faults else _proceed)(call, proceed)

    middleware = only(ONBOARD, sometimes)
    async with around(middleware, idempotency=store) as client:
        with pytest.raises(SesamyError, match="KeyError") as caught:
            await onboard(client)
        result = await onboard(client)

    assert caught.value.retryable
    assert (True, 1) == (result.repeated, create.call_count)


async def test_one_line_in_the_log(
    api: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole is one record; its steps are for debugging."""
    answering(api)
    caplog.set_level(logging.INFO, logger="sesamy_async")
    async with around() as client:
        await onboard(client)
    [record] = caplog.records
    values = vars(record)

    assert (ONBOARD, "DONE", "c1", "o-1", 2) == (
        values["operation"],
        values["outcome"],
        values["contract_id"],
        values["external_order_id"],
        values["attempts"],
    )


async def test_what_was_given_up_is_an_error_in_the_log(
    api: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    """One record says that the SDK no longer tries, and where it stopped."""
    answering(api, [UNREACHED] * 9)
    async with around(retry=QUICK) as client:
        with pytest.raises(ConnectionFailedError):
            await onboard(client)
    [record] = caplog.records

    assert ("ERROR", "NOT_SENT", QUICK.attempts) == (
        record.levelname,
        vars(record)["outcome"],
        vars(record)["attempts"],
    )


async def test_replaced_by_no_result(api: respx.Router) -> None:
    """What replaces the result is named by its type only."""
    answering(api)
    async with around(only(ONBOARD, replace)) as client:
        with pytest.raises(ConfigurationError) as caught:
            await onboard(client)

    assert "replaced the result with dict" in str(caught.value)


async def unavailable(call: Call, proceed: Proceed) -> Response:
    """Answer with an error, though all is done."""
    await proceed(call)
    return Response(status_code=503)


async def at_once(call: Call, proceed: Proceed) -> Response:
    """Do it twice at once, and return the first answer."""
    answers: list[Response] = []

    async def one() -> None:
        answers.append(await proceed(call))

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        group.start_soon(one)
    return answers[0]


@pytest.mark.parametrize("middleware", [fail_late, deny, unavailable])
async def test_what_is_done_is_not_done_again(
    api: respx.Router, middleware: Any
) -> None:
    """Without a store, that would confirm a second contract."""
    answering(api)
    async with around(only(ONBOARD, middleware), retry=QUICK) as client:
        with pytest.raises(SesamyError) as caught:
            await onboard(client)

    assert (Outcome.APPLIED, False) == (
        caught.value.outcome,
        caught.value.retryable,
    )


async def test_what_is_under_way_is_not_done_again(api: respx.Router) -> None:
    """Nobody knows how far it comes, so without a store it is in doubt."""
    answering(api)
    begun = anyio.Event()

    async def leave(call: Call, proceed: Proceed) -> Response:
        async def stay() -> None:
            with suppress(SesamyError):
                await proceed(call)

        group.start_soon(stay)
        await begun.wait()
        raise KeyError

    async def tell(call: Call, proceed: Proceed) -> Response:
        begun.set()
        await anyio.sleep(0.05)
        return await proceed(call)

    middleware = [only(ONBOARD, leave), only(CREATE, tell)]
    async with (
        around(*middleware) as client,
        anyio.create_task_group() as group,
    ):
        with pytest.raises(SesamyError) as caught:
            await onboard(client)

    assert (Outcome.UNKNOWN, False) == (
        caught.value.outcome,
        caught.value.retryable,
    )


async def test_goes_on_over_a_store(api: respx.Router) -> None:
    """With a store, a middleware may do it again after the create, too."""
    made = httpx.Response(200, json={"id": "c1"})
    create, _ = answering(api, None, [LOST] * QUICK.attempts + [made])
    middleware = only(ONBOARD, insist)
    options: Any = {"retry": QUICK, "idempotency": MemoryStore()}
    async with around(middleware, **options) as client:
        result = await onboard(client)

    assert ("c1", 1) == (result.contract.id, create.call_count)


@pytest.mark.parametrize("middleware", [twice, at_once])
async def test_counts_the_answers_that_are_not_used(
    api: respx.Router, middleware: Any
) -> None:
    """Each create that a middleware sends besides leaves a stray."""
    made = [httpx.Response(200, json={"id": "c1"}) for _ in range(2)]
    answering(api, made)
    async with around(only(CREATE, middleware)) as client:
        result = await onboard(client)

    assert 1 == result.strays


async def test_counts_the_contract_of_a_try_that_failed(
    api: respx.Router,
) -> None:
    """It was answered, but a middleware hid that."""
    made = [httpx.Response(200, json={"id": "c1"}) for _ in range(2)]
    answering(api, made)
    faults = [fail_late]

    async def sometimes(call: Call, proceed: Proceed) -> Response:
        return await (faults.pop() if faults else _proceed)(call, proceed)

    middleware = [only(ONBOARD, insist), only(CREATE, sometimes)]
    async with around(*middleware) as client:
        result = await onboard(client)

    assert 1 == result.strays


async def test_a_create_that_may_stray_not_is_sent_once(
    api: respx.Router,
) -> None:
    """Also if a middleware begins two at once."""
    sent: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        await anyio.sleep(0.05)
        return httpx.Response(200, json={"id": "c1"})

    answering(api, answer)
    async with around(only(CREATE, at_once)) as client:
        with pytest.raises(SesamyError) as caught:
            await onboard(client, allow_strays=False)

    assert (1, Outcome.UNKNOWN) == (len(sent), caught.value.outcome)


async def test_interrupted_in_the_create(
    api: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    """A contract that is made but not confirmed is not logged as done."""
    answering(api)
    caplog.set_level(logging.INFO, logger="sesamy_async")

    async def wait(call: Call, proceed: Proceed) -> Response:
        await proceed(call)
        await anyio.sleep_forever()
        raise AssertionError

    async with around(only(CREATE, wait)) as client:
        with anyio.move_on_after(0.2):
            await onboard(client)
    [record] = caplog.records

    assert ("WARNING", "UNKNOWN") == (
        record.levelname,
        vars(record)["outcome"],
    )


@pytest.mark.parametrize("second", [BAD, UNREACHED])
async def test_one_of_two_at_once_fails(
    api: respx.Router, second: Any
) -> None:
    """What is known of it says nothing of the other one."""
    sent: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            await anyio.sleep_forever()
        if isinstance(second, Exception):
            raise second
        return httpx.Response(second.status_code)

    answering(api, answer)
    async with around(only(CREATE, at_once), retry=ONCE) as client:
        with pytest.raises(SesamyError) as caught:
            await onboard(client)

    assert Outcome.UNKNOWN is caught.value.outcome


async def test_a_middleware_that_interrupts_the_confirm(
    api: respx.Router,
) -> None:
    """What it raises then does not say what became of the confirm."""

    async def answer(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(5.0)
        return httpx.Response(200, request=request)

    async def hurry(call: Call, proceed: Proceed) -> Response:
        with anyio.move_on_after(0.1):
            return await proceed(call)
        raise BadRequestError("Too slow.", status_code=400)

    answering(api, None, answer)
    async with around(only(ONBOARD, hurry)) as client:
        with pytest.raises(SesamyError, match="Too slow") as caught:
            await onboard(client)
    error = caught.value

    assert ("UNKNOWN", "confirm", "c1") == (
        error.outcome,
        error.step,
        error.contract_id,
    )


async def test_a_mistake_before_the_first_step() -> None:
    """Nobody knows what a middleware did; with a store that does no harm."""

    async def fail(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        raise KeyError

    errors: list[SesamyError] = []
    for store in (MemoryStore(), False):
        async with around(fail, idempotency=store) as client:
            with pytest.raises(SesamyError) as caught:
                await onboard(client)
        errors.append(caught.value)

    assert [("UNKNOWN", True), ("UNKNOWN", False)] == [
        (each.outcome, each.retryable) for each in errors
    ]


async def test_a_refusal_in_doubt_stays_one(api: respx.Router) -> None:
    """A middleware that hides it can't make it safe to try again."""
    answering(api, [LOST])
    options: Any = {"idempotency": MemoryStore(), "retry": ONCE}
    async with around(only(ONBOARD, deny), **options) as client:
        with pytest.raises(SesamyError) as caught:
            await onboard(client, allow_strays=False)

    assert ("UNKNOWN", False) == (
        caught.value.outcome,
        caught.value.resumable,
    )
