"""Encrypt what Temporal keeps, so that its database shows no customer.

Encrypted are arguments, results, memos, and the messages and stack traces of
failures.  NOT encrypted are workflow ids, search attributes, and the names of
workflows, activities and types of errors.
The keys are in ORDER_KEYS, as ``name:key,name:key``; a key is what ``openssl
rand -base64 32`` prints.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)


ENCODING = b"binary/aes-gcm"
NONCE = 12  # Bytes; a random one for each payload.


class Encryption(PayloadCodec):
    """AES-GCM with keys that have names: the first encrypts, all decrypt."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self._name = next(iter(keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt what is about to be sent to Temporal."""
        return [self._encrypt(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what comes from Temporal."""
        return [self._decrypt(each) for each in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        name, nonce = self._name.encode(), os.urandom(NONCE)
        plain = payload.SerializeToString()
        data = nonce + self._keys[self._name].encrypt(nonce, plain, name)
        return Payload(metadata={"encoding": ENCODING, "key": name}, data=data)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata["encoding"] != ENCODING:
            return payload  # Such as what somebody sent with the CLI.
        name = payload.metadata["key"]
        # Without the key, the task fails until a worker comes that has it.
        key = self._keys[name.decode()]
        nonce, data = payload.data[:NONCE], payload.data[NONCE:]
        return Payload.FromString(key.decrypt(nonce, data, name))


def encrypting(keys: str) -> DataConverter:
    """Return what a client of Temporal converts everything with."""
    pairs = (pair.split(":") for pair in keys.split(","))
    return replace(
        DataConverter.default,
        payload_codec=Encryption({name: b64decode(it) for name, it in pairs}),
        # By default, messages and stack traces are readable.
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
