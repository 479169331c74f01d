"""A small registered model version with true evidence, and the jobs run on it as SageMaker runs them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from lockgate_checks.compute.bias import bias_report
from lockgate_checks.compute.bias_plan import BiasPlan, Facet
from lockgate_checks.compute.model_quality import Setup, binary_report

from catalog.cloud_archives import jobs_archive

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/credit-p-idy6c3e1fiqj/7"
FEATURES = ("age", "income")
PLAN = {
    "problem": "binary",
    "features": list(FEATURES),
    "label": "label",
    "score": "score",
    "cutoff": 0.5,
    "facets": [{"name": "colour", "values": ["Black"]}],
    "content_type": "text/csv",
}
POLICY = """schema: 1
name: small
include: baseline
limits:
  AD: {minimum: -1, maximum: 1}
"""
ORGANIZATION = """schema: 1
name: acme
packs: {quality: block, bias: block, champion: block}
limits:
  auc: {minimum: 0.68, confidence: 0.95}
  rows: {minimum: 100}
  DI: {minimum: 0.8, maximum: 1.25}
  champion_difference: {minimum: -0.02, confidence: 0.95, unsure: human}
champion: {metric: auc, first_version: approve}
"""
INFERENCE = """
import csv, io, json, math
from pathlib import Path

def model_fn(folder):
    return json.loads((Path(folder) / "model.json").read_text())

def input_fn(body, kind):
    return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(body))]

def predict_fn(rows, model):
    return [1 / (1 + math.exp(-sum(w * x for w, x in zip(model["weights"], row)))) for row in rows]

def output_fn(scores, accept):
    return "".join(f"{score:.9g}\\n" for score in scores), "text/csv"
"""
WEIGHTS = (0.8, 1.2)
POOR = (0.9, -0.4)


def archive(weights: tuple[float, ...] = WEIGHTS, inference: str = INFERENCE, **more: bytes) -> bytes:
    """A model.tar.gz; the same bytes whenever it is made."""
    files = {"model.json": json.dumps({"weights": weights}).encode(), "code/inference.py": inference.encode(), **more}
    buffer = io.BytesIO()
    packed = gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@cache
def table(rows: int = 600) -> tuple[tuple[float, float, str, int], ...]:
    """Age, income, colour and label of each row, drawn with a seed."""
    draw = random.Random(7)  # noqa: S311 - data, no secret
    found = []
    for _ in range(rows):
        age, income = draw.gauss(0, 1), draw.gauss(0, 1)
        label = int(0.8 * age + 1.2 * income + draw.gauss(0, 1) > 0)
        found.append((round(age, 6), round(income, 6), draw.choice(["Black", "White"]), label))
    return tuple(found)


def scores(weights: tuple[float, ...] = WEIGHTS) -> list[float]:
    """What the model says of each row, as its inference code writes it."""
    sums = (weights[0] * age + weights[1] * income for age, income, *_ in table())
    return [float(f"{1 / (1 + np.exp(-value)):.9g}") for value in sums]


def evidence(weights: tuple[float, ...] = WEIGHTS, policy: str | None = None) -> dict[str, bytes]:
    """The files of a true evidence folder, without its manifest."""
    found, labels = scores(weights), [str(row[3]) for row in table()]
    columns = {"colour": [row[2] for row in table()], "label": labels, "answer": ["01"[s >= 0.5] for s in found]}
    chunk = {name: np.array(cells, dtype=object) for name, cells in columns.items()}
    plan = BiasPlan("label", (Facet("colour", ("Black",)),), prediction="answer")
    documents = {
        "model_quality/statistics.json": binary_report(labels, found, Setup(positive="1")),
        "bias/analysis.json": bias_report([chunk], plan),
        "lineage.json": {"model_digest": hashlib.sha256(archive(weights)).hexdigest()},
        "evaluation_plan.json": PLAN,
    }
    files = {name: json.dumps(document).encode() for name, document in documents.items()}
    files["holdout.csv"] = holdout(found)
    return files | ({"policy.yaml": policy.encode()} if policy else {})


def holdout(declared: list[float]) -> bytes:
    """holdout.csv with these scores."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*FEATURES, "colour", "label", "score"])
    writer.writerows([*row, f"{score:.9g}"] for row, score in zip(table(), declared, strict=True))
    return stream.getvalue().encode()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """manifest.json over these files."""
    return json.dumps({"files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}}).encode()


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


class Examination:
    """The two jobs over one version, each with its own copy of the inputs, as processing jobs have."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], model: bytes, champion: bytes | None = None) -> None:
        self.folder, self.model, self.champion = folder, model, champion
        self.files = dict(files) | {"manifest.json": manifest(files)}
        self.organization = ORGANIZATION
        self.problem = "none"
        self.baseline = {"evaluation_plan.json": json.dumps(PLAN).encode()} if champion else {}
        self.digest = hashlib.sha256(model).hexdigest()
        self.archive = folder / "lockgate-checks.pyz"
        folder.mkdir(parents=True, exist_ok=True)
        self.archive.write_bytes(packed_jobs())

    def run(self) -> dict[str, Any]:
        """Run both jobs and return the decision."""
        self.job("recompute")
        return self.evaluate()

    def evaluate(self) -> dict[str, Any]:
        """Run the second job and return the decision."""
        root = self.job("evaluate")
        decision: dict[str, Any] = json.loads((root / "output" / "decision" / "decision.json").read_bytes())
        return decision

    def job(self, verb: str) -> Path:
        """Run one job in a folder of its own; it must end well."""
        root = self.lay_out(verb)
        self.printed = subprocess.run(
            [sys.executable, str(self.archive), verb, *self.arguments(), "--root", str(root)],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        ).stdout
        return root

    def lay_out(self, verb: str) -> Path:
        """Make the folder of one job with its inputs."""
        root = self.folder / verb
        shutil.rmtree(root, ignore_errors=True)
        inputs = root / "input"
        put(inputs / "evidence", self.files)
        put(inputs / "policy", {"policy.yaml": self.organization.encode()})
        put(inputs / "baseline", self.baseline or {"policy.yaml": b""})
        if verb == "recompute":
            put(inputs / "model", {"model.tar.gz": self.model})
            put(inputs / "champion", {"model.tar.gz": self.champion} if self.champion else {"policy.yaml": b""})
        else:
            shutil.copytree(self.folder / "recompute" / "output" / "recomputed", inputs / "recomputed")
        return root

    def arguments(self) -> list[str]:
        """What the pipeline's definition gives to both jobs."""
        earlier = f"{ARN[:-1]}6 {hashlib.sha256(self.champion).hexdigest()}" if self.champion else "none"
        evidence_digest = hashlib.sha256(self.files["manifest.json"]).hexdigest()
        return [
            *("--arn", ARN, "--problem", self.problem, "--model-digest", self.digest),
            *("--evidence-digest", evidence_digest, "--champion", earlier),
        ]


TOGETHER = """
import contextlib, json, sys
sys.path.insert(0, sys.argv[1])
from lockgate_jobs.main import main
for arguments, printed in json.load(sys.stdin):
    with open(printed, "w") as stream, contextlib.redirect_stdout(stream):
        assert main(arguments) == 0
"""


def run_together(examinations: Sequence[Examination]) -> None:
    """Run both jobs of many examinations, all of one kind in one process: most of a job's time is its start."""
    for verb in ("recompute", "evaluate"):
        tasks = []
        for one in examinations:
            root = one.lay_out(verb)
            tasks.append(([verb, *one.arguments(), "--root", str(root)], str(one.folder / "printed.txt")))
        subprocess.run(
            [sys.executable, "-c", TOGETHER, str(examinations[0].archive)],
            check=True,
            input=json.dumps(tasks),
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        )
    for one in examinations:
        one.printed = (one.folder / "printed.txt").read_text(encoding="utf-8")


@cache
def packed_jobs() -> bytes:
    """The zipapp."""
    return jobs_archive(ROOT).content
