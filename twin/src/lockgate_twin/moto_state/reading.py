"""Which operations change nothing, by their names."""

from __future__ import annotations

_READING = (
    "BatchCheck",
    "BatchGet",
    "Check",
    "Describe",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "Validate",
)
# KMS's cryptography, and what is published and not kept.
_CHANGING_NOTHING = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GenerateRandom",
        "Publish",
        "PublishBatch",
        "ReEncrypt",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)


def reads(operation: str) -> bool:
    """Tell whether an operation only reads."""
    return operation.startswith(_READING) or operation in _CHANGING_NOTHING
