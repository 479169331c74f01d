"""What may be wrong with a schedule expression."""

from __future__ import annotations

from lockgate_twin.errors import TwinError


class ExpressionError(TwinError):
    """An expression that EventBridge would refuse; the message says what is wrong with it."""
