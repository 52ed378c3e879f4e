"""The promises, each tried many times: ``python -m proof`` from the root.

A claim is a file in `proof.claims` with a `CLAIM`; being there is enough.
"""
