"""The twin's own switches: what its administrator may make happen that AWS would do in its own time.

`POST /_twin/schedules/<group>/<name>/fire` and `POST /_twin/faults` with the administrator's access key and secret
key as HTTP Basic credentials (as git sends them). They are no part of AWS.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Principal
from lockgate_twin.services.eventbridge import Fault, Faults
from lockgate_twin.services.scheduler import ScheduleService

Authenticate = Callable[[str, str], Principal | None]
Work = Callable[[Mapping[str, str], Mapping[str, Any]], Mapping[str, Any]]
_LONGEST_BODY = 64 * 1024
_OWN_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Switch:
    """One switch: `work` gets the path's named groups and the body's JSON object, and returns what to answer."""

    path: re.Pattern[str]
    work: Work


class Switches:
    """Serves the switches (WSGI) to the administrator alone."""

    def __init__(self, authenticate: Authenticate, *groups: Sequence[Switch]) -> None:
        self._authenticate = authenticate
        self._switches = tuple(switch for group in groups for switch in group)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Do what one request asks for."""
        try:
            status, shown = "200 OK", self._answer(environ)
        except ApiError as error:
            status, shown = f"{error.status} Refused", {"code": error.code, "message": error.message}
        body = json.dumps(shown).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    def _answer(self, environ: Mapping[str, Any]) -> Mapping[str, Any]:
        for switch in self._switches:
            if match := switch.path.fullmatch(environ["PATH_INFO"]):
                if environ["REQUEST_METHOD"] != "POST":
                    raise ApiError("MethodNotAllowed", "Switches of the twin are set with POST.", 405)
                self._require_administrator(environ)
                return switch.work(match.groupdict(), _body(environ))
        raise ApiError("NotFound", f"The twin has no page or switch {environ['PATH_INFO']}.", 404)

    def _require_administrator(self, environ: Mapping[str, Any]) -> None:
        if str(environ.get("HTTP_HOST", "")).partition(":")[0] not in _OWN_NAMES:
            raise ApiError("AccessDenied", f"Ask for this on {_OWN_NAMES[0]}.", 403)
        principal = self._authenticate(*_basic(str(environ.get("HTTP_AUTHORIZATION", ""))))
        if principal is None or not principal.is_root:
            message = "Send the access key and secret key of the twin's administrator as HTTP Basic credentials."
            raise ApiError("AccessDenied", message, 403)


def schedule_switches(schedules: ScheduleService) -> Sequence[Switch]:
    """Return the switch that fires a schedule out of turn."""

    def fire(named: Mapping[str, str], _: Mapping[str, Any]) -> Mapping[str, Any]:
        fired = schedules.fire(named["group"], named["name"])
        return {
            "schedule": fired.schedule_arn,
            "executionId": fired.execution_id,
            "scheduledTime": fired.scheduled_time.isoformat(),
            "onDemand": fired.on_demand,
        }

    return (Switch(re.compile(r"/_twin/schedules/(?P<group>[\w.-]+)/(?P<name>[\w.-]+)/fire"), fire),)


def fault_switches(faults: Faults) -> Sequence[Switch]:
    """Return the switch of the faults of event deliveries: {"faults": [{"rule": "*", "duplicate": 3}, ...]}."""

    def switch(_: Mapping[str, str], body: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = body.get("faults")
        if not isinstance(wanted, list) or not all(isinstance(fault, dict) for fault in wanted):
            raise ApiError("InvalidRequest", "Give the faults as a list of objects; an empty list ends them all.")
        faults.switch([Fault.of(fault) for fault in wanted])
        return {"faults": faults.shown()}

    return (Switch(re.compile(r"/_twin/faults"), switch),)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, text = header.partition(" ")
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


def _body(environ: Mapping[str, Any]) -> Mapping[str, Any]:
    length = str(environ.get("CONTENT_LENGTH") or 0)
    if not length.isdigit() or int(length) > _LONGEST_BODY:
        raise ApiError("InvalidRequest", f"The body of a switch has at most {_LONGEST_BODY} bytes.")
    text = environ["wsgi.input"].read(int(length))
    try:
        body = json.loads(text or b"{}")
    except ValueError as error:
        raise ApiError("InvalidRequest", f"The body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise ApiError("InvalidRequest", "The body is not a JSON object.")
    return body
