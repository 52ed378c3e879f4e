"""How much is read at once."""

from __future__ import annotations


SIP = 2**13
"""Bytes; what is read at once is parsed before anybody else has a turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, and
with it the deadline from being noticed.  A contract has about one KiB.
"""
