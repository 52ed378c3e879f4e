"""The service: what docs/fastapi.md shows, without a pace."""

from __future__ import annotations

from fastapi import FastAPI

from sesamy_async.fastapi import install, lifespan, sales


app = FastAPI(lifespan=lifespan(deadline=20, rate_limit=None))
install(app)
app.include_router(sales())
