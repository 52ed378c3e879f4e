"""A model of everything at once: calls, imports, faults and restarts.

`machine` draws what is done, `world` does it, and `order` and `imported`
hold what must then be true by the sandbox's ledger.
"""
