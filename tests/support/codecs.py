"""The two codecs, to run a test with either."""

from __future__ import annotations

import orjson
import pytest

from sesamy_async._call.codec import Codec, OrjsonCodec


CODECS = {"stdlib": Codec(), "orjson": OrjsonCodec(orjson)}

with_either = pytest.mark.parametrize("either", CODECS.values(), ids=CODECS)
