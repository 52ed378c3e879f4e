"""No answer, log line, document or traceback of an application leaks."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from sesamy_async import ClientCredentials, SesamyError
from sesamy_async.fastapi import install, lifespan, sales
from sesamy_async.idempotency import MemoryStore
from support.apps import SALES, changed, visited
from support.calling import ONCE
from support.canaries import CANARIES, SECRET, found_in
from support.patience import BRIEF
from support.sinks import SINKS, Left, values_of
from support.telltale import SCENES, Scene


pytestmark = pytest.mark.usefixtures("loud")

# What a browser, or somebody who guesses, may send.
BODIES = {
    "order": changed(),
    "invoice": changed(paymentMethod="INVOICE"),
    "wrong values": changed(
        quantity=CANARIES["email"], userData={"email": [CANARIES["email"]]}
    ),
    "cut": changed()[:-20],
}


# On trio they pass what they pass on asyncio.
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.what)
async def test_nothing_leaks(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """However a sale ends, no sink shows any of the canaries."""
    errors: list[BaseException] = []
    texts: list[str] = []
    with scene.server() as server:
        app = FastAPI(
            lifespan=lifespan(
                vendor_id="acme",
                auth=ClientCredentials("c", SECRET),
                base_url=server.url,
                token_url=f"{server.url}/oauth/token",
                idempotency=MemoryStore(),
                timeout=BRIEF,
                deadline=3 * BRIEF,
                retry=ONCE,
            )
        )
        install(app)
        app.include_router(sales())
        answer: Any = app.exception_handlers[SesamyError]

        @app.exception_handler(SesamyError)
        async def spy(request: Request, error: SesamyError) -> Response:
            errors.append(error)
            response: Response = await answer(request, error)
            return response

        async with visited(app) as visitor:
            for body in BODIES.values():
                got = await visitor.post(SALES, content=body)
                texts += [got.text, str(got.headers)]
            texts.append((await visitor.get("/openapi.json")).text)
    leaks = {
        f"{error!r}: {name}": found
        for error in errors
        for name, sink in SINKS.items()
        if (
            found := found_in(
                "\n".join(
                    sink(
                        Left(
                            error=error,
                            objects=(app, error),
                            logged=(
                                caplog.text,
                                *map(values_of, caplog.records),
                            ),
                            printed=(*texts,),
                        )
                    )
                )
            )
        )
    }

    assert {} == leaks
    assert 2 <= len(errors)
