"""Where sources come from and artifacts go to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """One S3 object."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Location:
        """Read "bucket/key", "arn:aws:s3:::bucket/key" or "s3://bucket/key"."""
        path = text.removeprefix("arn:aws:s3:::").removeprefix("s3://")
        bucket, _, key = path.partition("/")
        return cls(bucket=bucket, key=key)

    @property
    def arn(self) -> str:
        """Return the object's ARN."""
        return f"arn:aws:s3:::{self.bucket}/{self.key}"
