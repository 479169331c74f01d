"""Move objects between S3 and a job's directories, as the job's role."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.ports import Session


class S3Uri(NamedTuple):
    """A bucket and a key or prefix."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse(uri: str) -> S3Uri:
    """Split an s3:// URI.

    Raises:
        JobError: it is not one.
    """
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise JobError(f"ClientError: {uri!r} is not an S3 URI (s3://bucket/key).")
    return S3Uri(parts.netloc, uri.removeprefix(f"s3://{parts.netloc}").removeprefix("/"))


def download(session: Session, uri: str, directory: Path, share: tuple[int, int] = (0, 1)) -> int:
    """Copy the objects under an S3 prefix into a directory and return how many there were.

    `share` (i, n) copies the i-th of n parts, as ShardedByS3Key does; a part may be empty. Assumption: objects are
    dealt out in the order of their keys.

    A key equal to the prefix keeps its last part as its name; others keep the part after the prefix's last "/"
    (CreateTrainingJob, S3DataSource.S3Uri).

    Raises:
        JobError: nothing is there, or the role may not read it.
    """
    bucket, prefix = parse(uri)
    try:
        keys = [key for key in session.list_objects(bucket, prefix) if not key.endswith("/")]
        directory.mkdir(parents=True, exist_ok=True)
        for key in keys[share[0] :: share[1]]:
            target = directory / _relative(key, prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(session.read_object(bucket, key))
    except ApiError as error:
        raise JobError(f"ClientError: Data download failed: {uri}: {error}") from error
    if not keys:
        raise JobError(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}". '
            "Please ensure that the bucket exists and the prefix is right."
        )
    return len(keys)


def _relative(key: str, prefix: str) -> PurePosixPath:
    base = prefix.rstrip("/")
    if key != prefix and base and key.startswith(f"{base}/"):
        relative = PurePosixPath(key.removeprefix(f"{base}/"))
    else:
        relative = PurePosixPath(key.removeprefix(prefix[: prefix.rfind("/") + 1]))
    if relative.is_absolute() or ".." in relative.parts:
        raise JobError(f"ClientError: Data download failed: the S3 key {key!r} leaves its prefix.")
    return relative


def upload(session: Session, directory: Path, uri: str) -> int:
    """Copy a directory's regular files (no symbolic links, as AWS) under an S3 prefix; return their number.

    Raises:
        JobError: the role may not write there.
    """
    bucket, prefix = parse(uri)
    files = [p for p in sorted(directory.rglob("*")) if p.is_file() and not p.is_symlink()]
    for path in files:
        put(session, S3Uri(bucket, _joined(prefix, str(path.relative_to(directory)))), path.read_bytes())
    return len(files)


def put(session: Session, uri: S3Uri, body: bytes) -> None:
    """Write one object.

    Raises:
        JobError: the role may not write there.
    """
    try:
        session.write_object(uri.bucket, uri.key, body)
    except ApiError as error:
        raise JobError(f"ClientError: Artifact upload failed: {uri}: {error}") from error


def beneath(uri: str, *parts: str) -> S3Uri:
    """Return the object at a path under an S3 prefix."""
    bucket, prefix = parse(uri)
    return S3Uri(bucket, _joined(prefix, *parts))


def _joined(prefix: str, *parts: str) -> str:
    return "/".join([*([prefix.rstrip("/")] if prefix.rstrip("/") else []), *parts])
