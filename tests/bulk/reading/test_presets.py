"""The mappings for shops and billing systems read what these export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.odd_files import flat
from support.order_files import orders


PRESETS = Path(__file__).parents[3] / "examples" / "mappings"
ADDRESS = "userData.address"
COMPANY = "userData.businessDetails.companyName"
# What the Swedish regulator keeps free for books and films.
FICTIONAL = re.compile(r"\+463139006\d\d")
EXAMPLE_HOST = re.compile(r"[^@]+@example\.(com|net|org)")

EMAIL = "userData.email"
YLVA = {
    EMAIL: "ylva.ost@example.com",
    "userData.phone": "+46313900601",
    f"{ADDRESS}.street": "Linnégatan 12",
    f"{ADDRESS}.zip": "413 04",
    f"{ADDRESS}.city": "Göteborg",
    f"{ADDRESS}.country": "SE",
}
BJORN = {
    EMAIL: "bjorn.lovas@example.org",
    "userData.phone": "+46313900602",
    COMPANY: "Løvås Bokhandel AS",
    f"{ADDRESS}.street": "Bogstadveien 7",
    f"{ADDRESS}.zip": "0352",
    f"{ADDRESS}.city": "Oslo",
    f"{ADDRESS}.country": "NO",
}
AINO = {
    EMAIL: "aino.makela@example.net",
    "userData.phone": "+46313900603",
    f"{ADDRESS}.street": "Aleksanterinkatu 5",
    f"{ADDRESS}.zip": "00100",
    f"{ADDRESS}.city": "Helsinki",
    f"{ADDRESS}.country": "FI",
}
METTE = {
    EMAIL: "mette.lassen@example.com",
    f"{ADDRESS}.street": "Gothersgade 60",
    f"{ADDRESS}.zip": "1123",
    f"{ADDRESS}.city": "København K",
    f"{ADDRESS}.country": "DK",
}


def named(name: str) -> dict[str, str]:
    """Return a name in two fields."""
    first, last = name.split()
    return {f"{ADDRESS}.firstName": first, f"{ADDRESS}.lastName": last}


def order(
    order_id: str, quantity: int, provider: str, *parts: Mapping[str, str]
) -> dict[str, Any]:
    """Return an order by paths, of which `parts` have some each."""
    whole: dict[str, Any] = {
        "externalOrderId": order_id,
        "quantity": quantity,
    }
    if provider:
        whole["paymentProvider"] = provider
    for each in parts:
        whole |= each
    return whole


def of_shopify(order_id: str, name: str) -> dict[str, str]:
    """Return what only Shopify has."""
    return {
        "paymentMethod": "EXTERNAL",
        "userData.fullName": name,
        "providerData.shopifyId": order_id,
    }


def of_stripe(customer: str, name: str, email: str) -> dict[str, str]:
    """Return what only Stripe has."""
    return {
        "paymentMethod": "CARD",
        "userData.fullName": name,
        "userData.email": email,
        "vendorData.plan": "price_1Made12",
        "providerData.customerId": customer,
    }


def of_chargebee(number: str) -> dict[str, str]:
    """Return what only Chargebee has."""
    return {
        "paymentMethod": "CARD",
        "vendorData.plan": "digital-12",
        "userData.extraData.customerNumber": number,
    }


OF_A_SHOP = {"paymentMethod": "EXTERNAL"}
SHOPIFY = [
    order("#1001", 3, "KLARNA", YLVA, of_shopify("5012345678901", "Ylva Öst")),
    order(
        *("#1003", 1, "STRIPE"),
        BJORN,
        of_shopify("5012345678903", "Bjørn Løvås"),
    ),
    order("#1005", 3, "", METTE, of_shopify("5012345678905", "Mette Lassen")),
]
WOOCOMMERCE = [
    order("2001", 2, "KLARNA", YLVA, named("Ylva Öst"), OF_A_SHOP),
    order("2003", 1, "STRIPE", BJORN, named("Bjørn Løvås"), OF_A_SHOP),
    order("2004", 2, "", AINO, named("Aino Mäkelä"), OF_A_SHOP),
]
STRIPE = [
    order(order_id, quantity, "STRIPE", of_stripe(*who))
    for order_id, quantity, who in (
        ("sub_1MadeA1", 1, ("cus_Made1", "Ylva Öst", YLVA[EMAIL])),
        ("sub_1MadeB2", 3, ("cus_Made2", "Bjørn Løvås", BJORN[EMAIL])),
        ("sub_1MadeD4", 1, ("cus_Made4", "Aino Mäkelä", AINO[EMAIL])),
    )
]
CHARGEBEE = [
    order(
        *(f"Made0000000000{number}", quantity, "STRIPE"),
        person,
        named(name),
        of_chargebee(f"K-{number}"),
    )
    for number, quantity, person, name in (
        (101, 1, YLVA, "Ylva Öst"),
        (102, 2, BJORN, "Bjørn Løvås"),
        (104, 1, {EMAIL: AINO[EMAIL]}, "Aino Mäkelä"),
    )
]
SAMPLES = {
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
    "stripe-subscriptions": STRIPE,
    "chargebee-subscriptions": CHARGEBEE,
}

# The filters of the mappings are among them: what they leave out is said.
CLEANED = {
    "shopify": {"Financial Status", "Billing Zip"},
    "woocommerce": {"Order Status"},
    "stripe-subscriptions": {"Status"},
    "chargebee-subscriptions": {"subscriptions.status"},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_preset_reads(name: str) -> None:
    """Exactly the orders that are paid, and they can be sent."""
    source = open_source(
        PRESETS / f"{name}.csv", mapping=PRESETS / f"{name}.toml"
    )
    with check(source, promo_code="SPRING-12") as checked:
        counts = (checked.rows, checked.invalid, checked.warnings)
        cleaned = {each.column for each in checked.cleaned if each.column}

    assert SAMPLES[name] == [flat(each) for each in orders(source)]
    assert (len(SAMPLES[name]), 0, ()) == counts
    assert CLEANED[name] == cleaned


def test_each_has_a_sample_of_nobody() -> None:
    """Each mapping has a file beside it, in which nobody is real."""
    names = {each.stem for each in PRESETS.glob("*.toml")}
    text = "".join(
        (PRESETS / f"{name}.csv").read_text(encoding="utf-8") for name in names
    )
    mails = re.findall(r"[\w.+-]+@[\w.-]+", text)
    phones = re.findall(r"\+\d{7,}", text)

    assert names == {*SAMPLES}
    assert [] == [it for it in mails if not EXAMPLE_HOST.fullmatch(it)]
    assert [] == [it for it in phones if not FICTIONAL.fullmatch(it)]
