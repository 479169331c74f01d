"""Model artifacts in S3: do they exist, may a role read them, what is their ETag."""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs import staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.ports import Session
from lockgate_twin.services.sagemaker.errors import validation


def etag(session: Session, uri: str) -> str:
    """Return the ETag of a model archive, read as this principal.

    Raises:
        ApiError: ValidationException when the object is missing or may not be read.
    """
    try:
        where = staging.parse(uri)
        return session.object_etag(where.bucket, where.key)
    except JobError as error:
        raise validation(f"Could not find model data at {uri}: it is not an S3 URI.") from error
    except ApiError as error:
        raise validation(_refusal(session, uri, error)) from error


def _refusal(session: Session, uri: str, error: ApiError) -> str:
    if error.code.startswith("NoSuch"):
        return f"Could not find model data at {uri}."
    who = session.principal.role_arn or session.principal.arn
    return (
        f'Could not access model data at {uri}. Please ensure that the role "{who}" has "s3:GetObject" permissions '
        f"and that the object is located in {session.region}. ({error})"
    )
