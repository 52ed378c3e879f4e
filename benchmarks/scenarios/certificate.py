"""An authority and a certificate for an https server on loopback."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any


def certify(folder: Path) -> tuple[Path, Path]:
    """Write what a server and a client need.

    Args:
        folder: Where to put it.

    Returns:
        The server's key and chain; and all the usual authorities with
        ours added, since reading them is a part of a first call.
    """
    trustme: Any = import_module("trustme")
    certifi: Any = import_module("certifi")
    authority = trustme.CA()
    server = folder / "server.pem"
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(server)
    trusted = folder / "trusted.pem"
    usual = Path(certifi.where()).read_bytes()
    trusted.write_bytes(usual + authority.cert_pem.bytes())
    return server, trusted
