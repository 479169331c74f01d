"""Why an audit cannot be made."""

from __future__ import annotations

from lockgate_twin.errors import TwinError


class AuditError(TwinError):
    """The audit lacks something; the message says what to do."""
