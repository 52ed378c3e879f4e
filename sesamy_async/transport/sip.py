"""How much is read at once."""

from __future__ import annotations


SIP = 2**13
"""Bytes; what is read at once is parsed before anybody else has a turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, and
with it the deadline from being noticed.  A contract has about one KiB.

h11 refuses a head whose end has not come after 100 KiB, but looks only when
all that was read is parsed: so a sip is by how much a longer one may pass.
"""
