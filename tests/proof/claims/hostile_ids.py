"""No id changes where a request goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from proof.claim import Claim, Row, Scale
from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    InvalidRequestError,
    Sesamy,
)
from support.calling import complete


_PIECES = (
    *("/", "//", "\\", ".", "..", "../", ";", "?", "#", "&", "=", "@", ":"),
    *("%", "%2e", "%2E%2e", "%2f", "%5c", "%00", "%0d%0a", "%252e", "%ff"),
    *("\r", "\n", "\r\nHost: evil", "\0", "\t", "\x7f", "\x85", " ", "\u3000"),
    *("http://evil/x", "//evil", "user@evil", "[::1]", "?confirm=1", "#x"),
    *(
        "å",
        "e\u0301",
        "\uff0f",
        "\uff0e",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\U0001d54f",
        "\ud800",
    ),
    *("a", "SPRING-12", "+", "*", "~", "'", '"', "<", "{", "|", "^", "`"),
)
_IDS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
    st.builds(
        lambda text, times: text * times,
        st.sampled_from(_PIECES),
        st.integers(1, 1100),
    ),
)
_NAMES = ("vendor_id", "promo_code", "contract_id")


def _rows(scale: Scale) -> Iterator[Row]:
    for name in _NAMES:
        yield _tried(scale, name, partial(_blocking, scale, name))
    yield _tried(scale, "all three, async", partial(_async, scale))


def _tried(
    scale: Scale, what: str, run: Callable[[list[str], list[str]], None]
) -> Row:
    violations: list[str] = []
    refused: list[str] = []
    run(violations, refused)
    return Row(
        what=what,
        runs=scale.runs,
        violations=tuple(violations),
        figure=f"{len(refused):,} refused",
    )


def _blocking(
    scale: Scale, name: str, violations: list[str], refused: list[str]
) -> None:
    sent: list[httpx.Request] = []
    transport = httpx.MockTransport(partial(_answer, sent))
    with Sesamy(**complete({"transport": transport})) as client:

        def one(value: str) -> None:
            ids = dict.fromkeys(_NAMES, "a") | {name: value}
            sent.clear()
            said = None
            try:
                _confirm(client, ids)
            except (ConfigurationError, InvalidRequestError) as error:
                said = error
            _judge(ids, sent, said, violations, refused)

        _each(scale, name, one)


def _async(scale: Scale, violations: list[str], refused: list[str]) -> None:
    sent: list[httpx.Request] = []

    async def confirm(ids: dict[str, str]) -> None:
        transport = httpx.MockTransport(partial(_answer, sent))
        async with AsyncSesamy(**complete({"transport": transport})) as client:
            await _confirm(client, ids)

    def one(value: str) -> None:
        ids = dict.fromkeys(_NAMES, value)
        sent.clear()
        said = None
        try:
            anyio.run(confirm, ids)
        except (ConfigurationError, InvalidRequestError) as error:
            said = error
        _judge(ids, sent, said, violations, refused)

    _each(scale, "all", one)


def _each(scale: Scale, what: str, one: Callable[[str], None]) -> None:
    """Draw as many ids as the scale says, always the same ones."""
    draw = settings(
        max_examples=scale.runs,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )(given(_IDS)(one))
    seed(scale.chance(what).getrandbits(64))(draw)()


def _confirm(client: Any, ids: dict[str, str]) -> Any:
    chosen = client.with_options(vendor_id=ids["vendor_id"])
    return chosen.contracts.confirm(ids["promo_code"], ids["contract_id"])


def _answer(sent: list[httpx.Request], request: httpx.Request) -> Any:
    sent.append(request)
    return httpx.Response(200, json={})


def _judge(
    ids: dict[str, str],
    sent: list[httpx.Request],
    said: Exception | None,
    violations: list[str],
    refused: list[str],
) -> None:
    """Look at the very bytes of the request line, if there is one."""
    if said is not None:
        refused.append(str(said))
        violations += [f"{ids!r}: refused, but sent"] if sent else []
        return
    [request] = sent
    path, mark, _ = request.url.raw_path.partition(b"?")
    vendor, promo, contract = (ids[name] for name in _NAMES)
    expected = ["", "payments", "vendor", vendor, "promos", "code", promo]
    expected += ["confirm", contract]
    parts = [unquote(part) for part in path.decode("ascii").split("/")]
    safe = path.isascii() and not set(path) & set(b"\r\n \\\0?#")
    dots = {".", ".."} & set(parts)
    host = request.url.host == request.headers["host"] == "api.sesamy.com"
    if mark or parts != expected or not safe or dots or not host:
        violations.append(f"{ids!r}: {request.url!r}")


CLAIM = Claim(
    name="hostile-ids",
    promise=(
        "Whatever a vendor id, promo code or contract id contains (any "
        "Unicode, line breaks, slashes, dots, escapes, a thousand "
        "characters), it does not change the host, the depth of the path or "
        "the query of the request; or the id is refused and nothing is sent."
    ),
    rows=_rows,
    runs=30_000,
    short=50,
)
