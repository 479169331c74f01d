"""`python -m deploy.verify`: the version may still be deployed, and in MODE=test its endpoint serves it.

Time passes between preparation and deployment: an approval may have been withdrawn or an archive changed
meanwhile.
"""

from __future__ import annotations

import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy import model_package, serving
from deploy.environment import read_environment, read_task
from deploy.errors import DeployError
from deploy.stages import STAGES


def main() -> int:
    """Run with the environment's MODE and STAGE; every failure is one clear message."""
    try:
        environment = read_environment(os.environ)
        task = read_task(os.environ, STAGES)
        sagemaker, s3 = (boto3.client(name, region_name=environment.region) for name in ("sagemaker", "s3"))
        package = model_package.deployable(sagemaker, s3, environment)
        print(package.verified)
        if task.mode == "test":
            endpoint = environment.endpoint_name(task.stage)
            serving.check_serving(sagemaker, endpoint, package.arn)
            print(f"the endpoint {endpoint} serves exactly this version")
    except (DeployError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
