"""The environment variables of a function's process.

Source: Lambda Developer Guide, "Working with Lambda environment variables" (defined runtime environment variables).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lockgate_twin.services.lambda_.configuration import variables
from lockgate_twin.services.lambda_.model import Function


def process_environment(function: Function, credentials: Mapping[str, str], log_stream: str) -> dict[str, str]:
    """Return the function's own variables, the role's credentials and what Lambda defines."""
    root = str(function.code.root)
    logging = function.settings["LoggingConfig"]
    defined = {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": root,
        "PYTHONDONTWRITEBYTECODE": "1",
        # A function has no home: the configuration of whoever runs the twin must not reach it.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LAMBDA_TASK_ROOT": root,
        "_HANDLER": function.settings["Handler"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.settings['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.settings["MemorySize"]),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": logging["LogFormat"],
    }
    if "ApplicationLogLevel" in logging:
        defined["AWS_LAMBDA_LOG_LEVEL"] = logging["ApplicationLogLevel"]
    return {**variables(function.settings), **defined, **credentials}
