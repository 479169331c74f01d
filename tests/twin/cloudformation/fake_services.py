"""Small stand-ins for services of the twin: the state that CloudFormation's handlers see, nothing else."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler, utc_now


class FakeSageMaker:
    """Endpoints whose next statuses a test sets: `script` is what the following describes say.

    While `gate` is cleared they are Creating; `waiting` tells that somebody has asked.
    """

    name = "sagemaker"

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.script: list[str] = []
        self.rolls_back = False
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers."""
        return {
            "CreateModel": self._create_model,
            "DeleteModel": lambda p, _: self._drop(self.models, p["ModelName"], "model"),
            "CreateEndpointConfig": self._create_config,
            "DeleteEndpointConfig": lambda p, _: self._drop(self.configs, p["EndpointConfigName"], "endpoint config"),
            "CreateEndpoint": self._create_endpoint,
            "UpdateEndpoint": self._update_endpoint,
            "DescribeEndpoint": self._describe_endpoint,
            "DeleteEndpoint": lambda p, _: self._drop(self.endpoints, p["EndpointName"], "endpoint"),
            "AddTags": self._add_tags,
            "DeleteTags": lambda _, __: {},
        }

    def _drop(self, items: dict[str, dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
        if items.pop(name, None) is None:
            raise ApiError("ValidationException", f'Could not find {kind} "{name}".')
        return {}

    def _create_model(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.models[request["ModelName"]] = request
        return {"ModelArn": _arn(call, "model", request["ModelName"])}

    def _create_config(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.configs[request["EndpointConfigName"]] = request
        return {"EndpointConfigArn": _arn(call, "endpoint-config", request["EndpointConfigName"])}

    def _create_endpoint(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        arn = _arn(call, "endpoint", request["EndpointName"])
        self.endpoints[request["EndpointName"]] = {"arn": arn, "config": request["EndpointConfigName"]}
        return {"EndpointArn": arn}

    def _update_endpoint(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        endpoint = self.endpoints[request["EndpointName"]]
        if not self.rolls_back:
            endpoint["config"] = request["EndpointConfigName"]
        return {"EndpointArn": endpoint["arn"]}

    def _describe_endpoint(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        endpoint = self.endpoints.get(request["EndpointName"])
        if endpoint is None:
            raise ApiError("ValidationException", f'Could not find endpoint "{request["EndpointName"]}".')
        status = self.script.pop(0) if self.script else "InService"
        if not self.gate.is_set():
            self.waiting.set()
            status = "Creating"
        reason = {"FailureReason": "The container did not answer the ping."} if status == "Failed" else {}
        return {
            "EndpointName": request["EndpointName"],
            "EndpointArn": endpoint["arn"],
            "EndpointConfigName": endpoint["config"],
            "EndpointStatus": status,
            "CreationTime": utc_now(),
            "LastModifiedTime": utc_now(),
            **reason,
        }

    def _add_tags(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        held = self.tags.setdefault(request["ResourceArn"], {})
        held |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {"Tags": request["Tags"]}


class FakeLambda:
    """Functions that are pending for one describe."""

    name = "lambda"

    def __init__(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.statements: dict[str, list[str]] = {}

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers."""
        return {
            "CreateFunction": self._create,
            "GetFunction": self._get,
            "UpdateFunctionCode": self._update,
            "UpdateFunctionConfiguration": self._update,
            "DeleteFunction": lambda p, _: self.functions.pop(p["FunctionName"]) and {},
            "AddPermission": self._add_permission,
            "RemovePermission": self._remove_permission,
        }

    def _create(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        name = request["FunctionName"]
        self.functions[name] = {**request, "states": ["Pending", "Active"]}
        return {"FunctionName": name, "FunctionArn": f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"}

    def _get(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        states = self.functions[request["FunctionName"]]["states"]
        return {"Configuration": {"State": states.pop(0) if len(states) > 1 else states[0]}}

    def _update(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        self.functions[request["FunctionName"]] |= request
        return {}

    def _add_permission(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        self.statements.setdefault(request["FunctionName"], []).append(request["StatementId"])
        return {"Statement": "{}"}

    def _remove_permission(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        self.statements[request["FunctionName"]].remove(request["StatementId"])
        return {}


class FakeCodeCommit:
    """Repositories with the commits made in them."""

    name = "codecommit"

    def __init__(self) -> None:
        self.repositories: dict[str, list[dict[str, Any]]] = {}

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers."""
        return {
            "CreateRepository": self._create,
            "CreateCommit": self._commit,
            "DeleteRepository": lambda p, _: {"repositoryId": str(self.repositories.pop(p["repositoryName"]))[:5]},
        }

    def _create(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        name = request["repositoryName"]
        self.repositories[name] = []
        return {
            "repositoryMetadata": {
                "repositoryId": "f7579e13-b83e-4027-aaef-650c0ecbb0ac",
                "repositoryName": name,
                "Arn": f"arn:aws:codecommit:{call.region}:{call.account}:{name}",
                "cloneUrlHttp": f"https://git-codecommit.{call.region}.amazonaws.com/v1/repos/{name}",
                "cloneUrlSsh": f"ssh://git-codecommit.{call.region}.amazonaws.com/v1/repos/{name}",
            }
        }

    def _commit(self, request: dict[str, Any], _: Call) -> dict[str, Any]:
        self.repositories[request["repositoryName"]].append(request)
        return {"commitId": "0" * 40}


def _arn(call: Call, kind: str, name: str) -> str:
    """SageMaker spells names in ARNs in lower case."""
    return f"arn:aws:sagemaker:{call.region}:{call.account}:{kind}/{name.lower()}"
