"""What Sesamy says of a customer is where it may be, and nowhere else."""

from __future__ import annotations

import json
import pickle
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
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
from sesamy_async._call import explain_answer, in_our_words, unreadable
from sesamy_async._call.redact import redact, redact_id
from sesamy_async.bulk import Importer
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
        *("Astrid", "astrid's", "Astrids", "BERGSTRÖM", "Bergstrom"),
        *("Bergströmska", "AstridBergström", "astrid_bergstrom"),
        unicodedata.normalize("NFD", "Bergström"),
        *("Bergstro\u0308\u0301m", "Ber\u00adgst\u200bröm"),
        "".join(chr(ord(each) + 0xFEE0) for each in "Bergstrom"),
        *("Bergstr%C3%B6m", "Bergstr%c3%b6m", "Bergstr\\u00f6m"),
        *("BergstrÃ¶m", "Bergstr\ufffdm"),
        *("Hamngatan", "Gyllenhammar", "Tussilago", "413 04", "41304"),
        *("astrid.bergstrom@example.com", "anybody@example.org"),
        *("+46 70 174 06 05", "070-174 06 05", "0046(0)701740605"),
        *("+47 22 33 44 55", "19810619", "810619-1234", "198106191234"),
    ],
)
def test_a_message_with_a_part_is_left_out(said: str) -> None:
    """Whatever part of an order it has, in whatever form."""
    assert ["***"] == redact([f"No {said} here."], CALL)


@pytest.mark.parametrize(
    "said",
    [
        *("Bergstr&#246;m", "Bergstr&#00246m", "Bergstr&#xF6;m"),
        *("Bergstr&ouml;m", "Bergstr&oumlm", "Bergstr&amp;ouml;m"),
        *("Bergstro&#776;m", "Bergstr&ouml;mska", "Berg&shy;str&ouml;m"),
        *("Astr&#105;d", "&#x41;strid Bergstr&ouml;m", "V&auml;stra"),
        "astrid.bergstrom&commat;example&period;com",
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
    ("name", "spelled"),
    [
        ("Bergström", ("Bergstroem",)),
        ("Bergstr&ouml;m", ("BERGSTROEM",)),
        ("Bergstro\u0308m", ("Bergstroems",)),
        ("Åse", ("Aase", "Ase")),
        ("Åström", ("Aastroem", "Åstroem", "Aaström")),
        ("Müller", ("Mueller",)),
        ("Mueller", ("Müller",)),
        ("Aase", ("Åse",)),
        ("Aarø", ("Årø",)),
        ("Sørensen", ("Soerensen", "Sorensen", "Sörensen")),
        ("Soerensen", ("Sørensen",)),
        ("Kjær", ("Kjaer", "Kjär")),
        ("Straße", ("Strasse",)),
        ("Þór", ("Thor",)),
        ("Kim Å", ("kim aa",)),
        ("x" * 193 + " Åström", ("Aastroem",)),
        ("x" * 201 + " Åström", ("Aastroem",)),
    ],
    ids=range(17),
)
def test_spelled_otherwise(name: str, spelled: tuple[str, ...]) -> None:
    """Nor where it is spelled as people do who lack its letters."""
    call = a_call(order=Secret(json.dumps([name])))
    shown = [redact([f"no {said} here"], call) for said in spelled]

    assert [["***"]] * len(spelled) == shown


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
    assert [said] == redact([said], CALL)


@pytest.mark.parametrize(
    "values",
    [["x" * 32_769], [f"{n:08}" for n in range(4_097)], ["x"] * 2**17],
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


def test_a_request_id() -> None:
    """It stands in each log line, so it is looked at as the rest is."""
    answer = an_answer(200, b"x", X_Request_Id="for-Astrid")
    errors = (
        an_api_error(400, call=CALL, X_Request_Id="for-Astrid"),
        unreadable(CALL, answer, "its body is not JSON"),
    )

    assert ["***"] * 2 == [error.request_id for error in errors]


RANDOM = "1d78271264b9c76d5842911dd70b4353"


@pytest.mark.parametrize(
    ("named", "sent", "shown"),
    [
        (RANDOM, {}, RANDOM),
        (RANDOM, {"order": Secret('{"zip": "413 04"}')}, RANDOM),
        # Six of its digits are those of a phone number.
        ("ab-46701740605", {"order": Secret('"+46 70-174 06 05"')}, "***"),
        # It is the token, or the value of a field.
        (RANDOM, {"token": f"Bearer {RANDOM}"}, "***"),
        (RANDOM, {"content": json.dumps(RANDOM).encode()}, "***"),
        # Its digits are, without the hyphen that is in between.
        ("ab467-01a", {"order": Secret('"46701"')}, "***"),
        # It has no number, but is the value of a field.
        ("ab12cd34", {"content": b'"ab12cd34"'}, "***"),
        (
            "ab12cd34",
            {"content": b'"ab12cd34"', "order": Secret("{}")},
            "***",
        ),
        # As much was sent as is looked at.
        (RANDOM, {"content": b'"' + b"x" * 262_124 + b'"'}, RANDOM),
        # Too much was sent to look for it.
        (RANDOM, {"content": b'"' + b"x" * 300_000 + b'"'}, "***"),
    ],
    ids=range(10),
)
def test_a_random_request_id(
    named: str, sent: dict[str, Any], shown: str
) -> None:
    """It is shown at once, unless it has anything in it that was sent."""
    request = Request(
        method="POST",
        url="https://api.test/x",
        content=sent.get("content", b""),
        authorization=Secret.hide(sent.get("token")),
    )
    call = attrs.evolve(a_call(request=request), order=sent.get("order"))

    assert shown == redact_id(named, call)


async def test_a_request_id_in_the_log(
    api: respx.Router, client: AsyncSesamy, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does the line of a call that went well name anybody."""
    caplog.set_level("INFO", "sesamy_async")
    api.post(f"{API}?confirm=false").respond(
        json={"id": "c1"}, headers={"X-Request-Id": "for-Astrid"}
    )
    await client.contracts.create("SPRING-12", ORDER)

    assert "request_id='***'" in caplog.text


def test_documented_codes_are_kept() -> None:
    """A code that is documented is none of the order's words."""
    call = a_call(order=Secret(json.dumps(["a validation error"])))
    body = b'{"error": {"code": "validation_error"}}'

    assert "(validation_error)" in str(an_api_error(400, body, call))


@pytest.mark.parametrize(
    "act",
    [
        lambda contracts: contracts.onboard("SPRING-12", ORDER),
        lambda contracts: contracts.confirm("SPRING-12", "c1", order=ORDER),
    ],
    ids=["onboard", "confirm"],
)
async def test_an_order_that_is_known(
    api: respx.Router, client: AsyncSesamy, act: Callable[[Any], Any]
) -> None:
    """A confirm that is refused names nobody whom the order names."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").respond(409, json=REFUSAL)
    with pytest.raises(APIError) as caught:
        await act(client.contracts)
    error = caught.value

    assert "***" == error.message
    assert (
        "Sesamy answered 409 (conflict): its message is left out, for it may "
        "repeat data of the order. It may already exist"
    ) in str(error)
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
        "Sesamy answered 404. Check the vendor id, the promo code and the "
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
async def test_import(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Sesamy says is kept for the report, and is not in the journal.

    It is kept of so many rows only: memory has an end.
    """
    monkeypatch.setattr("sesamy_async.bulk._importer.MOST_SAID", 1)
    world = World(folder=tmp_path, source=Listed(("A-1", "A-2")))
    importers: list[Importer] = []
    await world.run(
        middleware=[refusing(step)], watch=importers.append, concurrency=1
    )
    with world.journal() as journal:
        reasons = [str(entry.reason) for entry in journal.entries()]

    assert {2: "A friend has A-2."} == importers[0].said
    assert all("Sesamy answered 409 (taken)." in each for each in reasons)
    assert "friend" not in "".join(reasons)
