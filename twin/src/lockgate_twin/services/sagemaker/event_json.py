"""Responses of Describe operations as the details of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def milliseconds(value: Any) -> Any:
    """Return a response with its times as milliseconds since the epoch, as documented job and endpoint events."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: milliseconds(item) for key, item in value.items()}
    return [milliseconds(item) for item in value] if isinstance(value, list) else value


# Values of the API -> how the documented event of processing jobs spells them.
_CONSTANTS = {
    "S3DataType": {"ManifestFile": "MANIFEST_FILE", "S3Prefix": "S3_PREFIX"},
    "S3InputMode": {"Pipe": "PIPE", "File": "FILE"},
    "S3DataDistributionType": {"FullyReplicated": "FULLYREPLICATED", "ShardedByS3Key": "SHARDEDBYS3KEY"},
    "S3CompressionType": {"None": "NONE", "Gzip": "GZIP"},
    "S3UploadMode": {"Continuous": "CONTINUOUS", "EndOfJob": "END_OF_JOB"},
}


def constants(value: Any) -> Any:
    """Return a processing job's members with its enumerations in upper case.

    Assumption: those that the documented event does not show are spelled like those that it shows.
    """
    if isinstance(value, dict):
        return {
            name: _CONSTANTS[name].get(item, item) if name in _CONSTANTS else constants(item)
            for name, item in value.items()
        }
    return [constants(item) for item in value] if isinstance(value, list) else value


def iso(value: datetime) -> str:
    """Return a time as pipeline events spell it: whole seconds, Z."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_times(value: dict[str, Any]) -> dict[str, Any]:
    """Return a response with its times as pipeline events spell them, as the event of transform jobs is documented."""
    return {key: iso(item) if isinstance(item, datetime) else item for key, item in value.items()}
