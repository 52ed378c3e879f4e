"""A certificate authority of our own, for servers on this machine."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import trustme


TARGET = "https://api.sesamy.test"
"""A name that only a proxy of ours leads to."""


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def server_context() -> ssl.SSLContext:
    """Return what a server on loopback shows, also as the `TARGET`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = ("127.0.0.1", "localhost", "api.sesamy.test")
    _authority().issue_cert(*names).configure_cert(context)
    return context


@cache
def client_context() -> ssl.SSLContext:
    """Return a context that trusts it."""
    context = ssl.create_default_context()
    trust(context)
    return context


def trust(context: ssl.SSLContext) -> None:
    """Let a context trust it."""
    _authority().configure_trust(context)


def trusted(folder: Path) -> Path:
    """Write a file of authorities with ours, for ``SSL_CERT_FILE``."""
    path = folder / "authorities.pem"
    _authority().cert_pem.write_to_path(str(path))
    return path
