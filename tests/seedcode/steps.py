"""The build seed's steps as SageMaker runs them: processes told their folders by arguments and SM_* variables."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.seedcode import modules, processes

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


@dataclass(frozen=True)
class Workspace:
    """One pipeline execution's files, laid out as the jobs' containers see them."""

    repository: Path
    root: Path

    def table(self) -> dict[str, Any]:
        """What the columns mean, as the build hands it to Prepare."""
        config = modules.load(self.repository, "pipeline.config").load_config(self.repository / "config.toml")
        described = {**asdict(config.data), **asdict(config.split)}
        return {name: value for name, value in described.items() if name != "location"}

    def prepare(self, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run Prepare on the seed's table, or on other bytes."""
        source = self.root / "input"
        source.mkdir(parents=True, exist_ok=True)
        (source / "table.csv").write_bytes(data or (self.repository / "data" / "arrests.csv").read_bytes())
        (self.root / "table.json").write_text(json.dumps(self.table()), encoding="utf-8")
        folders = {"table": "table.json", "input-dir": "input", "output-dir": ".", "message-file": "output/message"}
        return self._step("prepare.py", [part for name in folders for part in self._argument(name, folders)])

    def train(self, **hyperparameters: str) -> subprocess.CompletedProcess[str]:
        """Run Train in script mode, then pack the model folder as the platform does."""
        folders = {"SM_CHANNEL_TRAIN": "train", "SM_CHANNEL_VALIDATION": "validation", "SM_MODEL_DIR": "model"}
        variables = {name: str(self.root / folder) for name, folder in folders.items()}
        arguments = [part for name, value in hyperparameters.items() for part in (f"--{name}", value)]
        finished = self._step("train.py", arguments, variables)
        with tarfile.open(self.archive, "w:gz") as tar:
            for path in sorted((self.root / "model").iterdir()):
                tar.add(path, path.name)
        return finished

    def evaluate(self) -> subprocess.CompletedProcess[str]:
        """Run Evaluate on the packed model and the test part, from a folder of nothing but its own files."""
        run = modules.load(self.repository, "pipeline.run")
        config = modules.load(self.repository, "pipeline.config").load_config(self.repository / "config.toml")
        code = self.root / "code"
        code.mkdir(exist_ok=True)
        for pattern in run.STEP_FILES["evaluate"]:
            for path in self.repository.glob(pattern):
                shutil.copy(path, code)
        folders = {"model-dir": ".", "train-dir": "train", "test-dir": "test", "policy": "code/policy.yaml"}
        folders |= {"output-dir": "evaluation", "evidence-dir": "evidence", "message-file": "output/message"}
        arguments = [part for name in folders for part in self._argument(name, folders)]
        told = {"commit": COMMIT, "image": IMAGE, "seed-version": "0.1.0", "cutoff": str(config.quality.cutoff)}
        arguments += [part for name, value in told.items() for part in (f"--{name}", value)]
        return processes.run([sys.executable, str(code / "evaluate.py"), *arguments], self.root, {})

    @property
    def archive(self) -> Path:
        """The packed model."""
        return self.root / "model.tar.gz"

    def message(self) -> str:
        """The failed job's exit message."""
        return (self.root / "output" / "message").read_text(encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        """What the pipeline's condition reads."""
        return self._json("evaluation/evaluation.json")

    def report(self, name: str) -> dict[str, Any]:
        """A JSON file of the evidence."""
        return self._json(f"evidence/{name}")

    def _json(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.root / name).read_text(encoding="utf-8"))
        return document

    def _argument(self, name: str, folders: dict[str, str]) -> tuple[str, str]:
        return f"--{name}", str(self.root / folders[name])

    def _step(
        self, script: str, arguments: list[str], variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = str(self.repository / "steps" / script)
        return processes.run([sys.executable, path, *arguments], self.root, variables or {})


def run_all(workspace: Workspace) -> Workspace:
    """Prepare, train as config.toml says, and evaluate; each must succeed."""
    config = modules.load(workspace.repository, "pipeline.config").load_config(workspace.repository / "config.toml")
    settings = {name: str(value) for name, value in asdict(config.training).items()}
    for finished in (workspace.prepare(), workspace.train(**settings), workspace.evaluate()):
        assert finished.returncode == 0, finished.stderr
    return workspace
