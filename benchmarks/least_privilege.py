"""Is every permission that the life cycle uses needed? Take one away, run it on a twin, and see it fail by name.

`python benchmarks/least_privilege.py` tries a few, chosen by today's date; `--complete` tries all.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from lockgate_twin.audit.mutation import Verdict, mutated_checkout, try_life_cycle
from lockgate_twin.audit.replay import Grant, used_grants
from lockgate_twin.audit.run import open_run
from lockgate_twin.demo.stages import LIFE_CYCLE, Stage, biased_build
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import Facts, World

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the life cycle once as it is, then once for each permission taken away; exit 1 if one was not missed."""
    options = _options()
    began = time.monotonic()
    grants, changed = used_in_life_cycle()
    chosen = _chosen(grants, options)
    print(f"{len(grants)} permissions are used; trying {len(chosen)} (seed {options.seed})", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(lambda grant: _try(grant, changed), chosen))
    needed = sum(verdict.needed for verdict in verdicts)
    print(f"{needed} of {len(chosen)} are needed; {time.monotonic() - began:.0f} s")
    return int(needed < len(chosen))


def used_in_life_cycle() -> tuple[list[Grant], str]:
    """Run the life cycle; return what the product's roles used, and the time when its second build had ended."""
    changed = ""
    with tempfile.TemporaryDirectory() as folder, twin_process(ROOT, Path(folder), port=0) as state:
        world = World(root=ROOT, output=Path(folder), project="audit", state=state, say=lambda _: None)
        facts = Facts()
        for stage in LIFE_CYCLE:
            facts = stage.run(world, facts)
            changed = _now() if stage.run is biased_build else changed
        run = open_run(Path(state.state_dir))
        roles = [role for role in run.roles if role.is_products]
        return [grant for role in roles for grant in used_grants(role, run.log.of(role.arn))], changed


def _try(grant: Grant, changed: str) -> Verdict:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        checkout = mutated_checkout(ROOT, Path(folder) / "checkout", grant)
        verdict = try_life_cycle(checkout, Path(folder) / "run", grant, _stages(grant, changed))
    print(f"{verdict}  ({time.monotonic() - began:.0f} s)", flush=True)
    return verdict


def _stages(grant: Grant, changed: str) -> Sequence[Stage]:
    """Return the life cycle, without its second build for what is only used after it."""
    late = min(check.time for check in grant.checks) > changed
    return [stage for stage in LIFE_CYCLE if not late or stage.run is not biased_build]


def _chosen(grants: Sequence[Grant], options: argparse.Namespace) -> list[Grant]:
    wanted = [grant for grant in grants if options.only in str(grant)]
    if options.complete or len(wanted) <= options.sample:
        return wanted
    return random.Random(options.seed).sample(wanted, options.sample)  # noqa: S311 - chooses what to try, hides nothing


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--complete", action="store_true", help="try every permission that is used")
    parser.add_argument("--sample", type=int, default=3, help="how many to try otherwise (default 3)")
    parser.add_argument("--seed", default=f"{datetime.now(UTC):%Y-%m-%d}", help="chooses them (default: today's date)")
    parser.add_argument("--only", default="", help="only those whose 'role: statement: action' contains this")
    parser.add_argument("--jobs", type=int, default=1, help="how many twins at once (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
