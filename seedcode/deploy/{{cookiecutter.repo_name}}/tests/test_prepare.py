from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from conftest import ARN, ROOT, Bucket, SageMaker

from deploy.environment import Environment
from deploy.model_package import deployable
from deploy.prepare import deployment_id, prepare
from deploy.stages import load_stages


def test_every_stage_setting_reaches_its_own_stack(
    environment: Environment, bucket: Bucket, tmp_path: Path
) -> None:
    """The configurations carry each stage's own values, and exactly the parameters the template has."""
    for name in ("stages.toml", "endpoint.template.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    written = prepare(tmp_path, deployable(SageMaker(), bucket, environment), environment)
    names = ["template-export.yaml", "staging-config-export.json", "prod-config-export.json"]
    assert [path.name for path in written] == names
    template = (tmp_path / "template-export.yaml").read_text(encoding="utf-8")
    section = template[template.index("Parameters:") : template.index("Conditions:")]
    for name, stage in load_stages(ROOT / "stages.toml").items():
        configuration = json.loads((tmp_path / f"{name}-config-export.json").read_text(encoding="utf-8"))
        parameters = configuration["Parameters"]
        assert sorted(parameters) == sorted(re.findall(r"^  (\w+):$", section, re.MULTILINE))
        assert all(isinstance(value, str) for value in parameters.values())
        assert parameters["ModelPackageArn"] == ARN
        assert parameters["EndpointName"] == f"Demo-p-1-{name}"
        assert parameters["InstanceType"] == stage.instance_type
        assert parameters["InstanceCount"] == str(stage.instance_count)
        assert parameters["DataCapturePercentage"] == str(stage.data_capture_percentage)
        assert parameters["RetrainOnDrift"] == str(stage.retrain_on_drift).lower()
        assert parameters["DataCaptureUri"].endswith(f"/{name}")
        assert configuration["Tags"] == {"sagemaker:project-name": "Demo", "sagemaker:project-id": "p-1"}


def test_another_deployment_gets_other_names() -> None:
    """What a model or configuration is made of changes the digest in its name; the same again does not."""
    same = deployment_id("template", {"InstanceType": "ml.m5.large"})
    assert re.fullmatch(r"[0-9a-f]{12}", same)
    assert same == deployment_id("template", {"InstanceType": "ml.m5.large"})
    assert same != deployment_id("template", {"InstanceType": "ml.m5.xlarge"})
    assert same != deployment_id("another template", {"InstanceType": "ml.m5.large"})
