"""The program of a batch transform job: `python -m lockgate_twin.jobs.transform_program <plan>`.

It loads the model as the model server does and answers the requests that the inputs make, file by file. An input that
cannot be transformed ends the job: what is wrong is written to /opt/ml/output/failure.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lockgate_twin.jobs import transform_data
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.model_handlers import OK, Handlers, load

MEGABYTE = 1024 * 1024


class Transform:
    """Transforms files by one plan: the members of the Create request that say how."""

    def __init__(self, plan: Mapping[str, Any], handlers: Handlers, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._handlers = handlers
        self._processing = transform_data.Processing(**plan["processing"])

    def run(self) -> None:
        """Transform every input into <its name>.out.

        Raises:
            JobError: an input or an answer is not usable.
        """
        source, target = self._folder / "input", self._folder / "output"
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            out = target / f"{path.relative_to(source)}.out"
            out.parent.mkdir(parents=True, exist_ok=True)
            body = path.read_bytes()
            out.write_bytes(self._transformed(gzip.decompress(body) if self._plan["gzip"] else body))

    def _transformed(self, body: bytes) -> bytes:
        plan = self._plan
        items = transform_data.records(body, plan["split"])
        limit = plan["max_payload_mb"] * MEGABYTE if plan["max_payload_mb"] else sys.maxsize
        requests = transform_data.requests(items, many=plan["many"], limit=limit)
        with ThreadPoolExecutor(max(1, plan["concurrency"])) as pool:
            answers = list(pool.map(self._answered, requests))
        if plan["assemble"] == "Line":
            return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
        return b"".join(answers)

    def _answered(self, batch: list[bytes]) -> bytes:
        content_type = self._plan["content_type"] or transform_data.JSON
        shown = [self._processing.before(record, content_type) for record in batch]
        body, accept = self._asked(b"\n".join(shown))
        if self._processing.idle:
            return body
        lines = transform_data.records(body, "Line") if len(batch) > 1 else [body.rstrip(b"\n")]
        if len(lines) != len(batch):
            raise JobError(
                f"ClientError: the model gave {len(lines)} lines for {len(batch)} records; none can be joined."
            )
        pairs = zip(batch, lines, strict=True)
        return b"\n".join(self._processing.after(record, line, content_type, accept) for record, line in pairs)

    def _asked(self, body: bytes) -> tuple[bytes, str]:
        for attempt in range(self._plan["retries"] + 1):
            try:
                answer = self._handlers.answer(body, self._plan["content_type"], self._plan["accept"])
            except Exception as error:  # noqa: BLE001  # any error of the user's code is a 500, as on endpoints
                traceback.print_exc()
                told, status = str(error), 500
            else:
                if answer.status == OK:
                    return answer.body, answer.content_type
                told, status = answer.body.decode(errors="replace"), answer.status
            if status < 500 or attempt == self._plan["retries"]:
                raise JobError(f"the model answered {status} to a request of {len(body)} bytes: {told}")
        raise AssertionError("unreachable")


def main(plan_file: str) -> int:
    """Run the plan and return the exit code; model, inputs and outputs lie beside the plan."""
    folder = Path(plan_file).parent
    plan = json.loads(Path(plan_file).read_text())
    try:
        Transform(plan, load(os.environ, str(folder.parent / "model"), plan["framework"]), folder).run()
    except JobError as error:
        print(error, file=sys.stderr)
        (folder.parent / "output/failure").write_text(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
