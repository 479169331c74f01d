"""One-time addresses at which the world answers CloudFormation: custom resources and wait conditions.

On AWS they are presigned URLs of an S3 bucket of CloudFormation's; here a path of the twin's own endpoint, whose
signature is a random word known to nobody else. Only a PUT with that word is taken.
Source: "Custom resource request objects" and "Wait condition handles" of the CloudFormation user guide.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from lockgate_twin.errors import ApiError

PREFIX = "/cloudformation-custom-resource-response-"
_LIFETIME = 43_200
_POLL_SECONDS = 0.05
# A response may have 4,096 bytes; what is far beyond is not even kept.
_LARGEST = 262_144


@dataclass
class _Box:
    path: str
    once: bool
    expires: float
    bodies: list[bytes] = field(default_factory=list)


class Signals:
    """The addresses that are open. A box opened `once` takes one answer, others take any number."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._boxes: dict[str, _Box] = {}
        self._changed = threading.Condition()

    def open(self, stack_id: str, name: str, *, once: bool, seconds: float = _LIFETIME) -> str:
        """Return the URL of a new address, which is taken answers at for so many seconds."""
        region = stack_id.split(":")[3].replace("-", "")
        token, expires = secrets.token_urlsafe(32), time.time() + seconds
        path = f"{PREFIX}{region}/{stack_id}|{name}"
        query = urlencode({"AWSAccessKeyId": "CLOUDFORMATION", "Expires": int(expires), "Signature": token})
        with self._changed:
            self._boxes[token] = _Box(path, once, expires)
        return f"{self._endpoint_url}{quote(path, safe='/')}?{query}"

    def close(self, url: str) -> None:
        """Take no more answers at a URL."""
        with self._changed:
            self._boxes.pop(_token(url), None)

    def accept(self, environ: Mapping[str, Any], body: bytes) -> None:
        """Take an unsigned request's body as an answer.

        Raises:
            ApiError: AccessDenied unless it is a PUT to an open address; EntityTooLarge.
        """
        with self._changed:
            token = _token(f"?{environ.get('QUERY_STRING', '')}")
            box = self._boxes.get(token)
            if box is None or environ["REQUEST_METHOD"] != "PUT" or environ["PATH_INFO"] != box.path:
                raise ApiError("AccessDenied", "Access Denied", 403)
            if time.time() > box.expires:
                raise ApiError("AccessDenied", "Request has expired", 403)
            if len(body) > _LARGEST:
                raise ApiError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
            if box.once and box.bodies:
                raise ApiError("AccessDenied", "Access Denied", 403)
            box.bodies.append(body)
            self._changed.notify_all()

    def wait(self, url: str, seconds: float, cancelled: threading.Event, seen: int = 0) -> bytes | None:
        """Wait for the answer after `seen` others; None when the time is over or the work was cancelled."""
        end = time.monotonic() + seconds
        with self._changed:
            box = self._boxes.get(_token(url))
            while box is not None and len(box.bodies) <= seen:
                left = end - time.monotonic()
                if left <= 0 or cancelled.is_set():
                    return None
                self._changed.wait(min(left, _POLL_SECONDS))
            return box.bodies[seen] if box is not None else None


def _token(url: str) -> str:
    return parse_qs(url.partition("?")[2]).get("Signature", [""])[0]
