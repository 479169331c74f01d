"""Script mode: what AWS's framework images do with sagemaker_program and sagemaker_submit_directory.

Source: the public sagemaker-containers and sagemaker-training toolkits (environment variables and arguments
of `TrainingEnv`, written anew here). Unlike the images, the twin installs no requirements.txt: jobs use the
packages of the twin's own interpreter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs import archives, staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.sandbox import ML, Program
from lockgate_twin.ports import Session

PREFIX = "sagemaker_"
CODE = f"{ML}/code"


@dataclass(frozen=True, kw_only=True)
class ScriptMode:
    """A user's program: its file name, the archive it is in, and its own hyperparameters, decoded."""

    program: str
    submit_directory: str
    hyperparameters: Mapping[str, Any]
    framework_parameters: Mapping[str, Any]

    def stage(self, session: Session, code: Path) -> None:
        """Fetch the source archive as the job's role and extract it into the code directory.

        Raises:
            JobError: the archive is missing, unreadable, unsafe or without the program.
        """
        where = staging.parse(self.submit_directory)
        try:
            packed = session.read_object(where.bucket, where.key)
        except ApiError as error:
            raise JobError(f"ClientError: sagemaker_submit_directory {where} cannot be read: {error}") from error
        archives.unpack(packed, code, str(where))
        if not (code / self.program).is_file():
            raise JobError(f"ClientError: sagemaker_program {self.program!r} is not in {where}.")

    def launch(self, config: Mapping[str, Any], env: Mapping[str, str]) -> Program:
        """Return the command that the image would run; `config` holds the three files of input/config by stem."""
        arguments = command_line(self.hyperparameters)
        runner = ["sh"] if self.program.endswith(".sh") else ["python3"]
        variables = environment(self, config, arguments)
        return Program(argv=[*runner, self.program, *arguments], env={**env, **variables}, cwd=CODE)


def script_mode(hyperparameters: Mapping[str, str]) -> ScriptMode | None:
    """Return the user's program that the hyperparameters name, or None when they name none.

    Raises:
        JobError: a program is named but not where its source is.
    """
    decoded = {name: _decoded(value) for name, value in hyperparameters.items()}
    program = decoded.get("sagemaker_program")
    if not program:
        return None
    if not decoded.get("sagemaker_submit_directory"):
        raise JobError("ClientError: sagemaker_program needs sagemaker_submit_directory (the S3 URI of a tar.gz).")
    return ScriptMode(
        program=str(program),
        submit_directory=str(decoded["sagemaker_submit_directory"]),
        hyperparameters={k: v for k, v in decoded.items() if not k.startswith(PREFIX)},
        framework_parameters={k: v for k, v in decoded.items() if k.startswith(PREFIX)},
    )


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def command_line(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Spell hyperparameters as arguments in the toolkit's way: sorted, `-x` for single letters, str() of values."""
    words: list[str] = []
    for name in sorted(hyperparameters):
        value = hyperparameters[name]
        if isinstance(value, Mapping):
            value = ",".join(f"{k}={v}" for k, v in sorted(value.items()))
        words += [f"--{name}" if len(name) > 1 else f"-{name}", "" if value is None else str(value)]
    return words


def environment(mode: ScriptMode, config: Mapping[str, Any], arguments: list[str]) -> dict[str, str]:
    """Return the SM_* variables that the toolkit exports to the user's program."""
    resources, channels = config["resourceconfig"], config["inputdataconfig"]
    values: dict[str, Any] = {
        "hosts": resources["hosts"],
        "network_interface_name": resources["network_interface_name"],
        "hps": mode.hyperparameters,
        "user_entry_point": mode.program,
        "framework_params": mode.framework_parameters,
        "resource_config": resources,
        "input_data_config": channels,
        "output_data_dir": f"{ML}/output/data",
        "channels": sorted(channels),
        "current_host": resources["current_host"],
        "module_name": Path(mode.program).stem,
        "module_dir": mode.submit_directory,
        "log_level": 20,
        "input_dir": f"{ML}/input",
        "input_config_dir": f"{ML}/input/config",
        "output_dir": f"{ML}/output",
        "output_intermediate_dir": f"{ML}/output/intermediate",
        "model_dir": f"{ML}/model",
        "num_cpus": os.cpu_count() or 1,
        "num_gpus": 0,
        "user_args": arguments,
    }
    values |= {f"channel_{name}": f"{ML}/input/data/{name}" for name in channels}
    values |= {f"hp_{name}": value for name, value in mode.hyperparameters.items()}
    return {f"SM_{name.upper()}": _text(value) for name, value in values.items()} | {"PYTHONPATH": CODE}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
