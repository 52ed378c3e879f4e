"""What must be found nowhere, and how it would look if it were."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

from sesamy_async import Address, NewContract, User


SECRET = "canary-5ecret/ö+9"
TOKEN = "canary-t0ken.eyJhbGciOiJub25lIn0"
CANARIES = {
    "secret": SECRET,
    "token": TOKEN,
    "email": "canary.ada@lovelace.example",
    "phone": "+46701740605",
    "name": "Canary Lövelace",
    "birthday": "1907-12-09",
}
ORDER = NewContract(
    external_order_id="order-1",
    payment_provider="KLARNA",
    payment_method="CARD",
    quantity=1,
    vendor_data={"seller": CANARIES["name"]},
    user_data=User(
        email=CANARIES["email"],
        full_name=CANARIES["name"],
        phone=CANARIES["phone"],
        birthday=CANARIES["birthday"],
        address=Address(country="SE", first_name=CANARIES["name"]),
    ),
)


def found_in(text: str) -> set[str]:
    """Return the names of the canaries that a text shows, in any form."""
    shown = text.lower()
    return {
        name
        for name, value in CANARIES.items()
        if any(form.lower() in shown for form in _forms(name, value))
    }


def _forms(name: str, value: str) -> set[str]:
    year, month, day = (CANARIES["birthday"]).split("-")
    forms = {
        value,
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        repr(value.encode())[2:-1],
        b64encode(value.encode()).decode(),
    }
    if name == "birthday":
        forms.add(f"{int(year)}, {int(month)}, {int(day)}")
    if name == "secret":
        forms.add(b64encode(f"c:{value}".encode()).decode())
    return forms
