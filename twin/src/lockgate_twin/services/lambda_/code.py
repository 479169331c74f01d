"""Deployment packages: fetched with the caller's permissions, checked, unpacked without leaving their folder."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Session
from lockgate_twin.services.lambda_.model import Code

_MAX_UNPACKED_BYTES = 262_144_000


def fetch(source: Mapping[str, Any], session: Session) -> bytes:
    """Return the archive that a request names (ZipFile, or S3 read with the caller's permissions).

    Raises:
        ApiError: no code given, or S3 does not give it.
    """
    if source.get("ImageUri"):
        raise NotImplementedByTwin("A Lambda function from a container image")
    if source.get("ZipFile") is not None:
        return bytes(source["ZipFile"])
    if not source.get("S3Bucket") or not source.get("S3Key"):
        raise invalid("Please provide a source for function code.")
    return _from_s3(source, session)


def store(archive: bytes, folder: Path) -> Code:
    """Unpack an archive into a new folder.

    Raises:
        ApiError: InvalidParameterValueException if it is no zip file, too large, or would write elsewhere.
    """
    digest = base64.b64encode(hashlib.sha256(archive).digest()).decode()
    code = Code(folder=folder, size=len(archive), sha256=digest)
    try:
        code.root.mkdir(parents=True)
        code.archive.write_bytes(archive)
        _unpack(archive, code.root)
    except ApiError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return code


def invalid(message: str) -> ApiError:
    """Return Lambda's error for a wrong parameter."""
    return ApiError("InvalidParameterValueException", message)


def _from_s3(source: Mapping[str, Any], session: Session) -> bytes:
    version = {"VersionId": source["S3ObjectVersion"]} if source.get("S3ObjectVersion") else {}
    try:
        answer = session.client("s3").get_object(Bucket=source["S3Bucket"], Key=source["S3Key"], **version)
        return bytes(answer["Body"].read())
    except ClientError as error:
        told = error.response["Error"]
        code, message = told["Code"], told.get("Message", "")
        if code == "AccessDenied":
            text = "Your access has been denied by S3, please make sure your request credentials have permission "
            where = f"to GetObject for {source['S3Bucket']}/{source['S3Key']}. S3 Error Code: {code}. "
            raise ApiError("AccessDeniedException", f"{text}{where}S3 Error Message: {message}", 403) from error
        text = f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
        raise invalid(text) from error


def _unpack(archive: bytes, root: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            members = package.infolist()
            if sum(m.file_size for m in members) >= _MAX_UNPACKED_BYTES:
                raise invalid(f"Unzipped size must be smaller than {_MAX_UNPACKED_BYTES} bytes")
            for member in members:
                _require_inside(member)
                _extract(package, member, root)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise invalid(f"{message} ({error})") from error


def _require_inside(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or is_link:
        raise invalid(f"The archive member {member.filename} does not stay inside the function's folder.")


def _extract(package: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    path = Path(package.extract(member, root))
    executable = (member.external_attr >> 16) & 0o111
    if executable and path.is_file():
        path.chmod(path.stat().st_mode | executable)
