"""One form of JSON for one value, so that equal values have equal digests on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Return the value as JSON with sorted keys, no spaces and ASCII alone.

    Raises:
        ValueError, TypeError: the value holds NaN or an infinity, or is no JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def sha256(content: bytes) -> str:
    """Return the digest of the bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
