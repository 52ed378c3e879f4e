"""What Sesamy says of a customer is where it may be, and nowhere else."""

from __future__ import annotations

import json
import pickle
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import respx

from sesamy_async import (
    Address,
    APIError,
    AsyncSesamy,
    Call,
    NewContract,
    Proceed,
    Request,
    Response,
    Secret,
    User,
)
from sesamy_async._call import explain_answer, in_our_words, redact, unreadable
from sesamy_async.bulk import Importer
from sesamy_async.bulk import _workers as workers
from support.exchanges import a_call, an_answer, an_api_error
from support.import_world import World
from support.sources import Listed
from support.wire import API


ORDER = NewContract(
    external_order_id="A-1",
    vendor_data={"seller": "Per Gyllenhammar"},
    user_data=User(
        email="astrid.bergstrom@example.com",
        full_name="Astrid Bergström",
        phone="+46701740605",
        birthday="1981-06-19",
        address=Address(street="Västra Hamngatan 12", zip="413 04"),
        extra_data={"a": [{"nickname": "Tussilago"}, 198106191234]},
    ),
)
CALL = a_call(order=Secret(ORDER.to_json()))
SAYS = "Astrid Bergström (+46 70-174 06 05) has a contract."
REFUSAL = {"error": {"code": "conflict", "message": SAYS}}


@pytest.mark.parametrize(
    "said",
    [
        "Astrid",
        "astrid's",
        "Astrids",
        "BERGSTRÖM",
        "Bergstrom",
        unicodedata.normalize("NFD", "Bergström"),
        "Bergstro\u0308\u0301m",
        "Ber\u00adgst\u200bröm",
        "".join(chr(ord(each) + 0xFEE0) for each in "Bergstrom"),
        "Bergstr%C3%B6m",
        "Bergstr%c3%b6m",
        "Bergstr\\u00f6m",
        "BergstrÃ¶m",
        "Bergstr\ufffdm",
        "AstridBergström",
        "astrid_bergstrom",
        "Bergströmska",
        "Hamngatan",
        "astrid.bergstrom",
        "astrid.bergstrom@example.com",
        "anybody@example.org",
        "+46 70 174 06 05",
        "070-174 06 05",
        "0701740605",
        "0046(0)701740605",
        "+47 22 33 44 55",
        "413 04",
        "41304",
        "19810619",
        "810619-1234",
        "Gyllenhammar",
        "Tussilago",
        "198106191234",
    ],
)
def test_each_part_is_blotted_out(said: str) -> None:
    """Whatever part of an order, in whatever form, is not shown."""
    shown = redact(f"No {said} here.", CALL)

    assert "***" in shown
    assert set("No here. ***'s+_ka") >= set(shown)


@pytest.mark.parametrize(
    "said",
    [
        "Bergstr&#246;m",
        "Bergstr&#00246m",
        "Bergstr&#xF6;m",
        "Bergstr&ouml;m",
        "Bergstr&oumlm",
        "Bergstr&amp;ouml;m",
        "Bergstro&#776;m",
        "Bergstr&ouml;mska",
        "Berg&shy;str&ouml;m",
        "Astr&#105;d",
        "&#x41;strid Bergstr&ouml;m",
        "astrid.bergstrom&commat;example&period;com",
        "V&auml;stra",
        "070&#45;174&nbsp;06 05",
    ],
)
def test_escaped_for_html(said: str) -> None:
    """Nor is it shown where a page's escapes are in it."""
    body = {"code": "x", "message": said, "details": {"field": said, said: 1}}
    error = explain_answer(
        CALL, an_answer(400, json.dumps({"error": body}).encode()), wall=0.0
    )
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    shown = f"{error} {copy} {error.message} {copy.message} {copy.details}"

    assert "***" in str(error.message)
    assert not any(part in shown.lower() for part in ("str", "&", "70"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Bergström", "Bergstroem"),
        ("Bergstr&ouml;m", "BERGSTROEM"),
        ("Bergstro\u0308m", "Bergstroems"),
        ("Åse", "Aase"),
        ("Åse", "Ase"),
        ("Åström", "Aastroem"),
        ("Åström", "Åstroem"),
        ("Åström", "Aaström"),
        ("Müller", "Mueller"),
        ("Mueller", "Müller"),
        ("Aase", "Åse"),
        ("Aarø", "Årø"),
        ("Sørensen", "Soerensen"),
        ("Sørensen", "Sorensen"),
        ("Sørensen", "Sörensen"),
        ("Soerensen", "Sørensen"),
        ("Kjær", "Kjaer"),
        ("Kjær", "Kjär"),
        ("Straße", "Strasse"),
        ("Þór", "Thor"),
        ("Kim Å", "kim aa"),
        ("x" * 193 + " Åström", "Aastroem"),
        ("x" * 201 + " Åström", "Aastroem"),
    ],
)
def test_spelled_otherwise(name: str, said: str) -> None:
    """Nor where it is spelled as people do who lack its letters."""
    call = a_call(order=Secret(json.dumps([name])))

    assert "no *** here" == redact(f"no {said} here", call)


@pytest.mark.parametrize(
    "said",
    [
        "cannot be paid with code SPRING-12 in Stockholm",
        "status 4130, 12 of 100",
        "vendor_data is not allowed",
        "Bär",
    ],
)
def test_other_words_are_left(said: str) -> None:
    """What is no part of the order stays readable."""
    assert said == redact(said, CALL)


def test_numbers_in_details() -> None:
    """A number that is in the order is blotted out, another is not."""
    assert ["***", 100] == redact([198106191234, 100], CALL)


@pytest.mark.parametrize(
    "values",
    [["x" * 16_385], [f"{n:08}" for n in range(2_049)], ["x"] * 2**17],
)
def test_too_much_to_look_for(values: list[str]) -> None:
    """Of an order of that many values an error shows the code alone."""
    call = a_call(order=Secret(json.dumps(values)))
    body = json.dumps(
        {
            "error": {
                "code": "validation_error",
                "message": "Bad.",
                "details": {"field": "f", "got": 7_000},
            }
        }
    )
    error = explain_answer(call, an_answer(400, body.encode()), wall=0.0)

    assert ("validation_error", "***") == (error.code, error.message)
    assert {"field": "***", "***": "***"} == error.details


def test_as_much_as_is_looked_for() -> None:
    """2,048 values of eight characters are all blotted out."""
    values = [f"{n:07}x" for n in range(2_048)]
    call = a_call(order=Secret(json.dumps(values)))

    assert "*** is bad" == redact(f"{values[-1]} is bad", call)


@pytest.mark.parametrize("length", [200, 201])
def test_long_values_are_not_looked_for_encoded(length: int) -> None:
    """A value of 200 characters is found where it is encoded, too."""
    call = a_call(order=Secret(json.dumps(["ö" * length])))
    shown = redact("%C3%B6" * length, call)

    assert (length == 200) is (shown == "***")


@pytest.mark.parametrize("count", [1_260, 1_261])
def test_spellings_count(count: int) -> None:
    """How else names are spelled counts as if it had been sent."""
    values = [f"{n:05}ö" for n in range(count)]
    call = a_call(order=Secret(json.dumps(values)))

    assert (count == 1_260) is ("wrong" == redact("wrong", call))


def test_an_answer_that_begins_alike() -> None:
    """Words that begin alike, or end within another, are told apart."""
    call = a_call(order=Secret(json.dumps(["abcde", "cdx yz", "dx", "xabcd"])))

    assert "***f ab*** abx xabcf" == redact("abcdef abcdx yz abx xabcf", call)


def test_a_request_id_of_a_header() -> None:
    """A request id stands in each log line: it is looked at as the rest is."""
    error = an_api_error(400, call=CALL, X_Request_Id="for-Astrid")

    assert "for-***" == error.request_id


async def test_a_request_id_in_the_log(
    api: respx.Router, client: AsyncSesamy, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does the line of a call that went well name anybody."""
    caplog.set_level("INFO", "sesamy_async")
    api.post(f"{API}?confirm=false").respond(
        json={"id": "c1"}, headers={"X-Request-Id": "for-Astrid"}
    )
    await client.contracts.create("SPRING-12", ORDER)

    assert "request_id='for-***'" in caplog.text


def test_an_unreadable_answer() -> None:
    """Nor does an answer that can't be read."""
    answer = an_answer(200, b"x", X_Request_Id="for-Astrid")
    error = unreadable(CALL, answer, "its body is no JSON")

    assert "for-***" == error.request_id


def test_what_can_not_be_seen() -> None:
    """A value of which too little can be seen is not looked for."""
    call = a_call(order=Secret(json.dumps(["a\u200b\u200b"])))

    assert "a b" == redact("a b", call)


def test_documented_codes_are_kept() -> None:
    """A code that is documented is none of the order's words."""
    call = a_call(order=Secret(json.dumps(["a validation error"])))
    body = b'{"error": {"code": "validation_error"}}'

    assert "(validation_error)" in str(an_api_error(400, body, call))


async def test_onboard(api: respx.Router, client: AsyncSesamy) -> None:
    """A confirm that is refused names nobody whom the order names."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").respond(409, json=REFUSAL)
    with pytest.raises(APIError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)
    error = caught.value

    assert "*** (+***) has a contract." == error.message
    assert error.message in str(error)
    assert error.message == pickle.loads(pickle.dumps(error)).message  # noqa: S301


async def test_confirm(api: respx.Router, client: AsyncSesamy) -> None:
    """Confirm does not know who it is for, so its error says the code."""
    api.post(f"{API}/confirm/c1").respond(
        409,
        json={
            "error": {
                "code": "conflict",
                "message": "Astrid has one.",
                "details": {"field": "userData.email", "who": "Astrid"},
            }
        },
    )
    with pytest.raises(APIError) as caught:
        await client.contracts.confirm("SPRING-12", "c1")
    error = caught.value
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert "Astrid has one." == error.message
    assert "Sesamy answered 409 (conflict) [field userData.email]." in str(
        error
    )
    assert "Astrid" not in str(error)
    assert (None, {}, "conflict") == (copy.message, copy.details, copy.code)


async def test_confirm_of_an_order(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Told which order it is for, confirm repeats what Sesamy says of it."""
    api.post(f"{API}/confirm/c1").respond(409, json=REFUSAL)
    with pytest.raises(APIError, match=r"\*\*\*\) has a contract"):
        await client.contracts.confirm("SPRING-12", "c1", order=ORDER)


@pytest.mark.parametrize("name", ["Astrid", "astrid has paid", 7, "x" * 65])
def test_a_code_that_is_none(name: object) -> None:
    """Where whose order it is is not known, a code must look like one."""
    body = {"error": {"code": name, "details": {"field": name}}}
    answer = an_answer(409, json.dumps(body).encode())
    error = explain_answer(a_call(order=None), answer, wall=0.0)

    assert (None, "Sesamy answered 409.") == (
        error.code,
        error.args[0].partition(" It may")[0],
    )


def test_in_our_words() -> None:
    """The code, the field and our advice are no words of Sesamy's."""
    body = {"error": {"code": "Taken by a friend", "message": "Hm."}}
    error = explain_answer(
        CALL, an_answer(404, json.dumps(body).encode()), wall=0.0
    )

    assert "(Taken by a friend): Hm." in str(error)
    assert (
        "Sesamy answered 404. Check vendor_id, the promo code and the "
        "contract id."
    ) == in_our_words(error)


def refusing(step: str) -> Callable[[Call, Proceed], Any]:
    """Return a middleware in which Sesamy refuses a step, and says why."""

    async def refuse(call: Call, proceed: Proceed) -> Response:
        if call.operation != step:
            return await proceed(call)
        said = {"error": {"code": "taken", "message": "A friend has A-2."}}
        return an_answer(409, json.dumps(said).encode())

    return refuse


@pytest.mark.parametrize("step", ["contracts.create", "contracts.confirm"])
async def test_import(tmp_path: Path, step: str) -> None:
    """What Sesamy says is kept for the report, and is not in the journal."""
    world = World(folder=tmp_path, source=Listed(("A-1",)))
    importers: list[Importer] = []
    await world.run(middleware=[refusing(step)], watch=importers.append)
    with world.journal() as journal:
        [entry] = journal.entries()

    assert {2: "A friend has A-2."} == importers[0].said
    assert "Sesamy answered 409 (taken)." in str(entry.reason)
    assert "friend" not in str(entry.reason)


async def test_import_of_many_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sesamy's words are kept of so many rows only: memory has an end."""
    monkeypatch.setattr(workers, "MOST_SAID", 1)
    world = World(folder=tmp_path, source=Listed(("A-1", "A-2")))
    importers: list[Importer] = []
    await world.run(
        middleware=[refusing("contracts.create")], watch=importers.append
    )

    assert 1 == len(importers[0].said)


def test_what_was_asked_for() -> None:
    """The query of a free request is blotted out as an order is."""
    call = a_call(
        request=Request(method="GET", url="https://x.test/u?q=Astrid+B%C3%B6m")
    )

    assert "no ***, ***" == redact("no astrid, Böm", call)


def test_a_repr() -> None:
    """The order that a call knows is in no repr."""
    assert "Astrid" not in repr(CALL)
