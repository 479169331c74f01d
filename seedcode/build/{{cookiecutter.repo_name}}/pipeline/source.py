"""The repository's files as content: digests, deterministic archives and uploads under their own hash.

A key that is the hash of its content makes step caching work (SageMaker compares input addresses, not bytes)
and makes the pipeline definition the same bytes for the same source. The SDK's own uploads carry timestamps.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class CodeLocations:
    """S3 addresses of what the jobs run and read; each contains the hash of its content."""

    prepare: str
    train: str
    evaluate: str
    data: str


def read_files(root: Path, patterns: Iterable[str]) -> dict[str, bytes]:
    """The files below a folder that match, by relative name, in sorted order."""
    found = sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def content_digest(files: Files) -> str:
    """sha256, in hexadecimal, over names and contents; independent of order, dates and checkout path."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def pack(files: Files) -> bytes:
    """A .tar.gz that is byte-identical for identical files: sorted, no dates, no owners."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return gzip.compress(raw.getvalue(), mtime=0)


@dataclass(frozen=True)
class SourceStore:
    """Writes to the project's artifact bucket below one prefix; what is there already is left alone."""

    s3: Any
    bucket: str
    prefix: str
    kms_key_arn: str

    def put(self, kind: str, files: Files) -> str:
        """Store files side by side and return the S3 address of their folder."""
        folder = f"{self.prefix}/{kind}/{content_digest(files)}"
        for name, content in files.items():
            self._put_object(f"{folder}/{name}", content)
        return f"s3://{self.bucket}/{folder}"

    def put_archive(self, kind: str, files: Files) -> str:
        """Store files as one sourcedir.tar.gz and return its S3 address."""
        folder = self.put(kind, {"sourcedir.tar.gz": pack(files)})
        return f"{folder}/sourcedir.tar.gz"

    def _put_object(self, key: str, content: bytes) -> None:
        if self._exists(key):
            return
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.kms_key_arn,
        )

    def _exists(self, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            # Without s3:ListBucket a missing object is answered with 403; of a real refusal the upload tells.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return False
            raise
        return True
