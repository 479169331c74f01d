"""Telling reviewers that an approval waits for them.

Source: "JSON data format for manual approval notifications in CodePipeline" (User Guide): the message; the pipeline's
role needs sns:Publish.
"""

from __future__ import annotations

import json
from datetime import datetime

from lockgate_twin.ports import Session
from lockgate_twin.services.codepipeline.declaration import Pipeline
from lockgate_twin.services.codepipeline.execution import ActionRun

_CONSOLE = "https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{pipeline}"


def notify(session: Session, pipeline: Pipeline, run: ActionRun, expires: datetime) -> None:
    """Publish to the action's NotificationArn, as the pipeline's role.

    Raises:
        botocore.exceptions.ClientError: the topic does not exist, or the role may not publish to it.
    """
    configuration, link = run.configuration, _CONSOLE.format(region=pipeline.region, pipeline=pipeline.name)
    optional = {
        "externalEntityLink": configuration.get("ExternalEntityLink"),
        "customData": configuration.get("CustomData"),
    }
    approval = {
        "pipelineName": pipeline.name,
        "stageName": run.stage,
        "actionName": run.action.name,
        "token": run.token,
        "expires": expires.strftime("%Y-%m-%dT%H:%MZ"),
        **{name: value for name, value in optional.items() if value},
        "approvalReviewLink": f"{link}/{run.stage}/{run.action.name}/approve/{run.token}",
    }
    session.client("sns").publish(
        TopicArn=configuration["NotificationArn"],
        Subject=f"APPROVAL NEEDED: AWS CodePipeline {pipeline.name} for action {run.action.name}"[:100],
        Message=json.dumps({"region": pipeline.region, "consoleLink": link, "approval": approval}),
    )
