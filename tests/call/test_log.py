"""Each call is one line of the log, with its outcome."""

from __future__ import annotations

import logging

import pytest

from sesamy_async import SesamyError
from sesamy_async._call import LogCalls
from support.exchanges import Script, a_call, an_answer, an_api_error
from support.runtime import FakeRuntime


async def test_log_success(caplog: pytest.LogCaptureFixture) -> None:
    """A call is one INFO line with what is needed to find it."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    script = Script([an_answer(201, X_Request_Id="r1")])
    await LogCalls(FakeRuntime())(a_call(), script)

    assert [
        (
            "contracts.create done status=201 attempts=1 duration=0.000s "
            "request_id='r1' external_order_id='o-1'"
        )
    ] == caplog.messages


async def test_log_error(caplog: pytest.LogCaptureFixture) -> None:
    """A failed call is one line too, with its outcome."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    with pytest.raises(SesamyError):
        await LogCalls(FakeRuntime())(a_call(), Script([an_api_error(503)]))

    assert [
        (
            "contracts.create ServerError UNKNOWN status=503 attempts=1 "
            "duration=0.000s request_id=None external_order_id='o-1'"
        )
    ] == caplog.messages


async def test_log_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled call is logged with what is known of it."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    with pytest.raises(KeyboardInterrupt):
        await LogCalls(FakeRuntime())(a_call(), Script([KeyboardInterrupt()]))

    assert caplog.messages[0].startswith(
        "contracts.create KeyboardInterrupt NOT_SENT status=None"
    )


async def test_log_off(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener nothing is measured or said."""
    caplog.set_level(logging.WARNING, logger="sesamy_async")
    response = await LogCalls(FakeRuntime())(a_call(), Script([an_answer()]))

    assert (200, []) == (response.status_code, caplog.messages)
