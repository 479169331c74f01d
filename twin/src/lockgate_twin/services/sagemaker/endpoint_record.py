"""One endpoint: its status, the fleet that serves, and how it is described."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Event, utc_now
from lockgate_twin.services.kept import NOT_KEPT, Kept
from lockgate_twin.services.sagemaker.data_capture import DataCapture
from lockgate_twin.services.sagemaker.endpoint_configs import EndpointConfig
from lockgate_twin.services.sagemaker.event_json import milliseconds
from lockgate_twin.services.sagemaker.fleet import Fleet, Variant
from lockgate_twin.services.sagemaker.models import Model
from lockgate_twin.services.sagemaker.names import Named
from lockgate_twin.services.timers import Scheduler

# Events spell statuses in upper case ("Endpoint state change").
EVENT_STATUSES = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "Deleting": "DELETING",
    "Failed": "FAILED",
}


@dataclass
class Endpoint(Kept):
    """An endpoint; its fields change under `lock` only.

    `target` is the configuration that is being rolled out; `models` are those that serve, as they were when they began
    to, for they may be deleted meanwhile; `restoring` is there from a restart of the twin, and set once it is over.
    """

    key: Named
    config: EndpointConfig
    status: str = "Creating"
    reason: str | None = None
    fleet: Fleet | None = field(default=None, metadata=NOT_KEPT)
    captures: dict[str, DataCapture] = field(default_factory=dict, metadata=NOT_KEPT)
    deployment: Mapping[str, Any] | None = None
    target: EndpointConfig | None = None
    models: Mapping[str, Model] = field(default_factory=dict)
    created: datetime = field(default_factory=utc_now)
    modified: datetime = field(default_factory=utc_now)
    resolved: datetime = field(default_factory=utc_now)
    lock: threading.RLock = field(default_factory=threading.RLock, metadata=NOT_KEPT)
    restoring: threading.Event | None = field(default=None, metadata=NOT_KEPT)

    @property
    def name(self) -> str:
        """Return the endpoint's name."""
        return self.key.name

    @property
    def arn(self) -> str:
        """Return the endpoint's ARN."""
        return self.key.place.arn("endpoint", self.name)

    def put_in_service(self, fleet: Fleet, clock: Scheduler) -> Fleet | None:
        """Send all traffic to a healthy fleet and return the one that served before."""
        with self.lock:
            old, self.fleet, self.config, self.models = self.fleet, fleet, fleet.config, fleet.models
            capture = fleet.config.capture
            self.captures = (
                {v.name: DataCapture(capture, f"{self.name}/{v.name}", v.session, clock) for v in fleet.variants}
                if capture
                else {}
            )
            self.resolved = utc_now()
            return old

    def put_back(self, fleet: Fleet, clock: Scheduler) -> None:
        """Let a fleet take the place of the same one of an earlier twin; nobody is told of what never changed."""
        resolved = self.resolved
        self.put_in_service(fleet, clock)
        self.resolved = resolved
        if self.target is None:
            self.status = "InService"

    def serving(self, seconds: float) -> Fleet | None:
        """Return the fleet that serves, or None; a fleet that is being started again is waited for."""
        if self.restoring is not None:
            self.restoring.wait(seconds)
        return self.fleet

    def summary(self) -> dict[str, Any]:
        """Return ListEndpoints' members."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EndpointStatus": self.status,
        }

    def described(self) -> dict[str, Any]:
        """Return DescribeEndpoint's members."""
        with self.lock:
            serving = self.fleet.variants if self.fleet else []
            members = {
                **self.summary(),
                "EndpointConfigName": self.config.key.name,
                "ProductionVariants": [self._variant(variant) for variant in serving] or None,
                "FailureReason": self.reason,
                "LastDeploymentConfig": self.deployment,
                "DataCaptureConfig": _capture(self.config.request.get("DataCaptureConfig")),
            }
        return {name: value for name, value in members.items() if value is not None}

    def _variant(self, variant: Variant) -> dict[str, Any]:
        return {
            "VariantName": variant.name,
            "DeployedImages": [{"SpecifiedImage": variant.image, "ResolutionTime": self.resolved}],
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": variant.instances,
            "DesiredInstanceCount": variant.instances,
        }

    def event(self, tags: Mapping[str, str]) -> Event:
        """Return the event for the status it is in."""
        variants = [
            {
                "DesiredWeight": float(v["InitialVariantWeight"]),
                "DesiredInstanceCount": float(v.get("InitialInstanceCount", 1)),
            }
            for v in self.config.variants
        ]
        detail = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config.key.name,
            "ProductionVariants": variants,
            "EndpointStatus": EVENT_STATUSES[self.status],
            "CreationTime": float(milliseconds(self.created)),
            "LastModifiedTime": float(milliseconds(self.modified)),
            "Tags": dict(tags),
        }
        if self.reason:
            detail["FailureReason"] = self.reason
        where = self.key.place
        return Event(
            source="aws.sagemaker",
            detail_type="SageMaker Endpoint State Change",
            detail=detail,
            account=where.account,
            region=where.region,
            resources=[self.arn],
        )


def _capture(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if config is None:
        return None
    enabled = bool(config.get("EnableCapture"))
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
