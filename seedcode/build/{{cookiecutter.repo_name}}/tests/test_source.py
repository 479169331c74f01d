from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline.source import SourceStore, content_digest, pack

FILES = {"a.py": b"1", "b.py": b"2"}


class Bucket:
    """An S3 bucket in memory, with the answers S3 gives."""

    def __init__(self, missing: int = 404) -> None:
        self.objects: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.missing = missing

    def head_object(self, Bucket: str, Key: str) -> None:
        if Key not in self.objects:
            raise ClientError(
                {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": self.missing}}, "HeadObject"
            )

    def put_object(self, Key: str, Body: bytes, **_: Any) -> None:
        self.objects[Key] = Body
        self.writes.append(Key)


def store(bucket: Bucket) -> SourceStore:
    return SourceStore(bucket, "bucket", "pipeline/source", "arn:aws:kms:us-east-1:111122223333:key/k")


def test_the_digest_depends_on_names_and_content_only() -> None:
    """Order does not change it; a byte, a name and a moved boundary do."""
    digest = content_digest(FILES)
    assert digest == content_digest(dict(reversed(FILES.items())))
    others = [{"a.py": b"1"}, {"a.py": b"1", "c.py": b"2"}, {"a.py": b"12", "b.py": b""}]
    assert digest not in [content_digest(other) for other in others]


def test_an_archive_is_the_same_bytes_for_the_same_files() -> None:
    """Packing twice, in any order, gives the same archive, and it holds the files."""
    assert pack(FILES) == pack(dict(reversed(FILES.items())))
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as tar:
        assert {name: tar.extractfile(name).read() for name in tar.getnames()} == FILES  # type: ignore[union-attr]


@pytest.mark.parametrize("missing", [404, 403])
def test_what_is_stored_already_is_not_written_again(missing: int) -> None:
    """The second upload of the same files writes nothing, also when a missing object is answered with 403."""
    bucket = Bucket(missing)
    addresses = [store(bucket).put("prepare", FILES) for _ in range(2)]
    assert addresses == [f"s3://bucket/pipeline/source/prepare/{content_digest(FILES)}"] * 2
    assert len(bucket.writes) == 2


def test_an_unreachable_bucket_is_not_taken_for_an_empty_one() -> None:
    """Any other answer of S3 stops the build."""
    with pytest.raises(ClientError):
        store(Bucket(missing=500)).put("prepare", FILES)
