"""A served sandbox posts events to a webhook, as Sesamy does."""

from __future__ import annotations

import time

import pytest

from sesamy_async import Secret
from sesamy_async.sandbox import NO_ANSWER, Sandbox, SentWebhook
from support.patience import until
from support.ports import closed_port
from support.sandbox_caller import CREATE, order, token_request
from support.served_sandbox import served
from support.webhook_receiver import PATIENCE, Receiver, receiving


def ended(sandbox: Sandbox, count: int) -> tuple[SentWebhook, ...]:
    """Wait until so many events are delivered or lost."""

    def all_are() -> bool:
        sent = sandbox.ledger.webhooks
        return len(sent) == count and all(
            each.state != "waiting" for each in sent
        )

    until(all_are)
    return sandbox.ledger.webhooks


def test_events_are_posted() -> None:
    """Each is posted as Sesamy does, with the Authorization header."""
    with receiving() as receiver:
        sandbox = receiver.sandbox(authorization="Bearer hush")
        with served(sandbox) as client:
            client.post(f"{CREATE}?confirm=1", json=order())
            sent = ended(sandbox, 2)
            events = [{**each} for each in sandbox.ledger.events]

    assert "hush" not in repr((sandbox.config, sent))
    assert Secret("Bearer hush") == (
        sandbox.config.webhook and sandbox.config.webhook.authorization
    )
    assert ["userVendor.1#new", "contract.1#purchased"] == [
        each["eventType"] for each in events
    ]
    assert sorted(map(str, events)) == sorted(
        str(body) for _, body in receiver.received
    )
    assert {"Bearer hush"} == {each for each, _ in receiver.received}
    assert [(200,), (200,)] == [each.answers for each in sent]
    assert {"delivered"} == {each.state for each in sent}


@pytest.mark.parametrize(
    ("statuses", "answers", "state"),
    [
        ([503, 429, 500], (503, 429, 500, 204), "delivered"),
        ([500, 500, 500, 599], (500, 500, 500, 599), "lost"),
        ([401], (401,), "lost"),
        ([404], (404,), "lost"),
        ([302], (302,), "lost"),
    ],
)
def test_what_is_sent_again(
    statuses: list[int], answers: tuple[int, ...], state: str
) -> None:
    """After 5xx and 429 it is sent again, some times; after others never."""
    with receiving(*statuses, 204) as receiver:
        sandbox = receiver.sandbox(retries=3)
        with served(sandbox) as client:
            client.post(CREATE, json=order())
            (sent,) = ended(sandbox, 1)

    assert (answers, state) == (sent.answers, sent.state)
    assert len(answers) == len(receiver.received)
    assert receiver.received[0][0] is None


def test_nobody_listens() -> None:
    """An event that nobody answers is sent again, then lost."""
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/"
        sandbox = Receiver(url).sandbox(retries=1)
        with served(sandbox) as client:
            client.post(CREATE, json=order())
            (sent,) = ended(sandbox, 1)

    assert ((NO_ANSWER, NO_ANSWER), "lost") == (sent.answers, sent.state)


def test_answers_do_not_wait() -> None:
    """A webhook that hangs holds up neither the answers nor the end."""
    with receiving(held=True) as receiver:
        sandbox = receiver.sandbox()
        with served(sandbox) as client:
            statuses = [
                client.post(CREATE, json=order(f"A-{n}")).status_code
                for n in range(3)
            ]
            until(lambda: receiver.received)
            began = time.monotonic()
        took = time.monotonic() - began

    assert [200, 200, 200] == statuses
    assert {"waiting"} == {each.state for each in sandbox.ledger.webhooks}
    assert [] == sandbox.subscribers
    assert took < PATIENCE / 2


def test_reset_forgets_what_waits() -> None:
    """After a reset, an event is not sent again, and not shown any more."""
    with receiving(500, held=True) as receiver:
        sandbox = receiver.sandbox()
        with served(sandbox) as client:
            client.post(CREATE, json=order())
            until(lambda: receiver.received)
            sandbox.reset()
            receiver.go_on.set()
            until(lambda: not receiver.statuses)
            answer = client.post("/oauth/token", data=token_request(sandbox))
            token = answer.json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            client.post(CREATE, json=order("A-2"), headers=bearer)
            (sent,) = ended(sandbox, 1)

    assert (2, (200,), "delivered") == (sent.number, sent.answers, sent.state)
    assert 2 == len(receiver.received)
