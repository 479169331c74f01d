"""A pipeline's artifacts in its artifact bucket, written and read as the pipeline's role.

Source: "Input and output artifacts" (CodePipeline User Guide) for the keys: the first 20 characters of the pipeline's
name, the first 10 of the artifact's, and 7 random ones. Assumption: of an encryption key only a key ARN is checked
(kms:GenerateDataKey to write, kms:Decrypt to read); the twin's S3 keeps objects unencrypted.
"""

from __future__ import annotations

import secrets
import string

from lockgate_twin.ports import Session
from lockgate_twin.services.codebuild import S3Location
from lockgate_twin.services.codepipeline.declaration import Pipeline

_LETTERS = string.ascii_letters + string.digits


class ArtifactStore:
    """The artifact bucket of one pipeline, used by one role."""

    def __init__(self, pipeline: Pipeline, session: Session) -> None:
        self._pipeline = pipeline
        self._session = session
        key = pipeline.encryption_key or ""
        self._key = key if ":key/" in key else None

    def place(self, artifact: str, suffix: str = "") -> S3Location:
        """Choose where a new artifact goes."""
        unique = "".join(secrets.choice(_LETTERS) for _ in range(7))
        key = f"{self._pipeline.name[:20]}/{artifact[:10]}/{unique}{suffix}"
        return S3Location(bucket=self._pipeline.bucket, key=key)

    def write(self, location: S3Location, body: bytes) -> None:
        """Store an artifact.

        Raises:
            ApiError: the role may not, or the bucket does not exist.
        """
        if self._key:
            self._session.require("kms:GenerateDataKey", self._key, context=self._use(location))
        self._session.write_object(location.bucket, location.key, body)

    def read(self, location: S3Location) -> bytes:
        """Return an artifact.

        Raises:
            ApiError: the role may not, or the artifact is gone.
        """
        if self._key:
            self._session.require("kms:Decrypt", self._key, context=self._use(location))
        return self._session.read_object(location.bucket, location.key)

    def _use(self, location: S3Location) -> dict[str, str]:
        """Return the condition keys of a key that S3 uses for the role (KMS Developer Guide, "condition keys")."""
        return {
            "kms:ViaService": f"s3.{self._session.region}.amazonaws.com",
            "kms:CallerAccount": self._session.account,
            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{location.bucket}/{location.key}",
        }
