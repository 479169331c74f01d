"""Times of the life cycle against their budgets: `make bench`. Noisy machines differ; compare within one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockgate_twin.control import status
from lockgate_twin.demo import stages
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.report import twin_share
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import Facts, World

from benchmarks.measure import Measure, resident

ROOT = Path(__file__).resolve().parents[1]
NOOP_JOBS = 15
SCRIPT = "import sys; sys.exit(0)"


def main() -> int:
    """Measure everything and print it; exit 1 if a budget is exceeded."""
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        began = time.monotonic()
        with twin_process(ROOT, output, port=0) as state:
            ready = time.monotonic() - began
            measures.append(Measure("twin ready", ready, 4, "s"))
            measures.append(Measure("memory of the idle twin", resident(state.pid), 450, "MB"))
            world = World(root=ROOT, output=output, project="bench", state=state, say=lambda _: None)
            facts, spent = life_cycle(world, measures)
            measures.append(Measure("life cycle (make demo after set-up)", ready + spent, 90, "s"))
            share = twin_share(ready + spent, status(Path(state.state_dir)))
            measures.append(Measure("the twin's own share of it", 100 * share, 25, "%"))
            measures += examinations(world, facts)
            measures.append(
                Measure("an unchanged push, until its build has ended", unchanged_push(world, facts), 10, "s")
            )
            measures.append(Measure("a no-op job over running its script", noop_job(world, facts), 50, "ms"))
            measures.append(Measure("memory of the twin after the life cycle", resident(state.pid), 450, "MB"))
    print("\n".join(map(str, measures)))
    return int(any(m.value > m.budget for m in measures))


def life_cycle(world: World, measures: list[Measure]) -> tuple[Facts, float]:
    """Run the stages; also take the time from the push of the second one to the start of its build."""
    facts, began = Facts(), time.monotonic()
    for stage in stages.LIFE_CYCLE:
        facts = stage.run(world, facts)
    spent = time.monotonic() - began
    measures.append(Measure("push -> build started", push_to_build(world, facts), 1, "s"))
    return facts, spent


def push_to_build(world: World, facts: Facts) -> float:
    """Return seconds from the branch's new commit to the start of its build, by the services' own clocks."""
    scientist = world.person(stages.SCIENTIST)
    name = f"sagemaker-{world.project}-{facts.project_id}-modelbuild"
    pipeline = Follower(scientist.client("codepipeline"), name, world.say, world.twin_log)
    build = next(a for a in pipeline.actions(facts.build_executions[-1]) if a["actionName"] == "Build")
    reflog = Path(world.state.state_dir).glob(f"codecommit/*/*/{name}.git/refs/heads/main")
    pushed = max(ref.stat().st_mtime for ref in reflog)
    return float(build["startTime"].timestamp() - pushed)


def examinations(world: World, facts: Facts) -> list[Measure]:
    """Return the longest times, by the services' own clocks, from registration to decision and of the evidence jobs."""
    sagemaker = world.person("administrator").client("sagemaker")
    packages = [sagemaker.describe_model_package(ModelPackageName=version["arn"]) for version in facts.versions]
    decided = max((p["LastModifiedTime"] - p["CreationTime"]).total_seconds() for p in packages)
    jobs = [
        sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
        for job in sagemaker.list_processing_jobs(NameContains="-Evaluate-", MaxResults=100)["ProcessingJobSummaries"]
    ]
    own = [job for job in jobs if f"sagemaker-{facts.project_id}-execution" in job["RoleArn"]]
    spent = max((job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() for job in own)
    return [
        Measure("registration -> decision recorded, the longest", decided, 8, "s"),
        Measure("evidence job on the demo's data, the longest", spent, 4, "s"),
    ]


def unchanged_push(world: World, facts: Facts) -> float:
    """Push a remark in the README and wait for the end of the build."""
    scientist, work = world.person(stages.SCIENTIST), world.output / "modelbuild"
    name = f"sagemaker-{world.project}-{facts.project_id}-modelbuild"
    pipeline = Follower(scientist.client("codepipeline"), name, world.say, world.twin_log)
    pipeline.finish(facts.retraining)  # a queued pipeline runs one execution at a time
    known = {summary["pipelineExecutionId"] for summary in pipeline.executions()}
    with (work / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nA remark.\n")
    who = {f"GIT_{who}_{what}": "dana@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    scientist.run(["git", "commit", "--quiet", "--all", "-m", "A remark"], cwd=work, env=who)
    began = time.monotonic()
    scientist.run(["git", "push", "--quiet", "origin", "main"], cwd=work)
    pipeline.finish(pipeline.new_execution(known))
    return time.monotonic() - began


def noop_job(world: World, facts: Facts) -> float:
    """Return the median milliseconds that a processing job takes over its bare script."""
    bare = [timed(lambda: subprocess.run([sys.executable, "-c", SCRIPT], check=True)) for _ in range(NOOP_JOBS)]
    sagemaker = world.person("administrator").client("sagemaker")
    newest = sagemaker.list_processing_jobs(MaxResults=1)["ProcessingJobSummaries"][0]["ProcessingJobName"]
    like = sagemaker.describe_processing_job(ProcessingJobName=newest)
    jobs = [run_noop(sagemaker, like, f"noop-{facts.project_id}-{number}") for number in range(NOOP_JOBS)]
    return 1000 * (statistics.median(jobs) - statistics.median(bare))


def run_noop(sagemaker: Any, like: dict[str, Any], name: str) -> float:
    """Run one job that does nothing; its own record says how long it took."""
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=like["RoleArn"],
        ProcessingResources=like["ProcessingResources"],
        AppSpecification={
            "ImageUri": like["AppSpecification"]["ImageUri"],
            "ContainerEntrypoint": ["python3", "-c", SCRIPT],
        },
    )
    while (job := sagemaker.describe_processing_job(ProcessingJobName=name))["ProcessingJobStatus"] == "InProgress":
        time.sleep(0.005)
    if job["ProcessingJobStatus"] != "Completed":
        raise RuntimeError(job.get("FailureReason"))
    return float((job["ProcessingEndTime"] - job["CreationTime"]).total_seconds())


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
