"""Many processes, one store of orders, and a ledger that judges."""
