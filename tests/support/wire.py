"""The API as respx sees it, an order, and a policy that does not wait."""

from __future__ import annotations

from sesamy_async import (
    Address,
    BusinessDetails,
    NewContract,
    RetryPolicy,
    User,
)


API = "https://api.sesamy.com/payments/vendor/acme/promos/code/SPRING-12"
TOKEN = "https://token.sesamy.com/oauth/token"
ORDER = NewContract(
    external_order_id="o-1",
    payment_provider="KLARNA",
    payment_method="CARD",
    quantity=1,
    user_data=User(
        email="kim@example.se",
        full_name="Kim Åberg",
        address=Address(country="SE", zip="11122"),
        business_details=BusinessDetails(vat_nr="SE1"),
    ),
)
QUICK = RetryPolicy(base=0.0)
