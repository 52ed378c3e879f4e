"""The guide's order as JSON, and what is wrong with other JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async._models import NewContract
from sesamy_async.errors import InvalidRequestError


SAMPLE = (
    '{"externalOrderId":"TM-2025-000417","paymentProvider":"BILLOGRAM",'
    '"paymentMethod":"INVOICE","quantity":1,'
    '"vendorData":{"säljare":"Växjö 7","kampanj":"vår-12"},'
    '"providerData":{"invoiceRef":"9f/2"},'
    '"userData":{"email":"åsa.öberg@example.se","fullName":"Åsa Öberg",'
    '"phone":"+46 70 174 06 05","invoiceEmail":"faktura@example.se",'
    '"gender":"female","birthday":"1980-05-17T00:00:00.000Z",'
    '"address":{"country":"SE","zip":"352 30","city":"Växjö",'
    '"street":"Kungsgatan 1 \\"B\\"","co":"Ærø","lastName":"Öberg",'
    '"firstName":"Åsa"},'
    '"businessDetails":{"vatNr":"SE556677889901","companyName":"Öberg & Co"},'
    '"extraData":{"crm":{"id":17,"score":0.25,"vip":true,"note":null},'
    '"taggar":["nyhet","😀"]}},'
    '"ownerData":{"email":"bjørn@example.no","fullName":"Bjørn Løvås",'
    '"phone":"+47 22 00 00 00","invoiceEmail":"bjørn@example.no",'
    '"gender":"other","birthday":"2001-02-03",'
    '"address":{"country":"NO","zip":"0150","city":"Oslo",'
    '"street":"Øvre Slottsgate 2","co":"","lastName":"Løvås",'
    '"firstName":"Bjørn"},'
    '"businessDetails":{"vatNr":"NO999","companyName":"Løvås AS"},'
    '"extraData":{}}}'
)


def problems(data: Any) -> tuple[str, ...]:
    """Return what is wrong with JSON data, by both ways to read it."""
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_dict(data)
    with pytest.raises(InvalidRequestError) as again:
        NewContract.from_json(json.dumps(data))

    assert caught.value.args == again.value.args
    return caught.value.problems
