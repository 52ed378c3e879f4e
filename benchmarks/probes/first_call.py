"""The first call of a process: what it takes, after the import.

Over https with the usual authorities loaded, as in production.  Prints
milliseconds: from the import to the answer, and what of that was network.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit


PATH = "/payments/vendor/acme/promos/code/SPRING-12?confirm=false"
TOKEN = "a-token"  # noqa: S105 - made up


def _sdk() -> Any:
    """Return the package, with what its clients need loaded."""
    sdk = import_module("sesamy_async")
    _ = sdk.AsyncSesamy
    return sdk


def ours_async(url: str, order: bytes) -> Callable[[], object]:
    """`AsyncSesamy`, with the making of loop, client and order."""
    sdk = _sdk()

    async def call() -> None:
        async with sdk.AsyncSesamy(
            "acme", auth=sdk.StaticToken(TOKEN), base_url=url
        ) as sesamy:
            new = sdk.NewContract.from_json(order)
            await sesamy.contracts.create("SPRING-12", new)

    return lambda: asyncio.run(call())


def ours(url: str, order: bytes) -> Callable[[], object]:
    """`Sesamy`, with the making of client and order."""
    sdk = _sdk()

    def call() -> None:
        with sdk.Sesamy(
            "acme", auth=sdk.StaticToken(TOKEN), base_url=url
        ) as sesamy:
            new = sdk.NewContract.from_json(order)
            sesamy.contracts.create("SPRING-12", new)

    return call


def httpx_async(url: str, order: bytes) -> Callable[[], object]:
    """A bare `httpx.AsyncClient`, with the making of it."""
    httpx = import_module("httpx")

    async def call() -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(url + PATH, json=json.loads(order))
            answer.json()

    return lambda: asyncio.run(call())


def httpx(url: str, order: bytes) -> Callable[[], object]:
    """A bare `httpx.Client`, with the making of it."""
    module = import_module("httpx")

    def call() -> None:
        with module.Client() as client:
            client.post(url + PATH, json=json.loads(order)).json()

    return call


def openai_async(url: str, order: bytes) -> Callable[[], object]:
    """The OpenAI SDK, with the making of its client."""
    openai = import_module("openai")

    async def call() -> None:
        async with openai.AsyncOpenAI(
            api_key=TOKEN, base_url=url, max_retries=0
        ) as client:
            body: Any = json.loads(order)
            await client.post(PATH, cast_to=object, body=body)

    return lambda: asyncio.run(call())


def network(url: str) -> float:
    """Return seconds for the same exchange without any client.

    Name, TCP, the cryptography of TLS, and a request: on a context that
    was built before, for building one is the client's part.
    """
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    request = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    start = perf_counter()
    with (
        socket.create_connection((host, port)) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(request)
        secure.recv(65_536)
    return perf_counter() - start


WHO = {each.__name__: each for each in (ours_async, ours, httpx_async, httpx)}
WHO["openai_async"] = openai_async


def main(who: str, url: str, order_file: str) -> None:
    """Print the milliseconds of the first call, and those of the network."""
    order = Path(order_file).read_bytes()
    call = WHO[who](url, order)
    start = perf_counter()
    call()
    took = perf_counter() - start
    print(took * 1000, network(url) * 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
