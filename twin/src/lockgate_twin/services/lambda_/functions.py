"""Functions themselves: create, read, update, delete, list, tag, and their concurrency."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.lambda_ import code as packages
from lockgate_twin.services.lambda_.configuration import settings_of, view
from lockgate_twin.services.lambda_.destinations import dead_letter_queue, require_sendable
from lockgate_twin.services.lambda_.invoker import Invoker, require_assumable
from lockgate_twin.services.lambda_.model import Code, Function
from lockgate_twin.services.lambda_.names import Key, function_key, key_of
from lockgate_twin.services.lambda_.store import FunctionStore
from lockgate_twin.services.paging import page


class FunctionOperations:
    """The operations on functions."""

    def __init__(self, context: Context, store: FunctionStore, invoker: Invoker) -> None:
        self._context = context
        self._store = store
        self._invoker = invoker

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateFunction": self.create_function,
            "GetFunction": self.get_function,
            "GetFunctionConfiguration": self.get_function_configuration,
            "UpdateFunctionCode": self.update_function_code,
            "UpdateFunctionConfiguration": self.update_function_configuration,
            "DeleteFunction": self.delete_function,
            "ListFunctions": self.list_functions,
            "PutFunctionConcurrency": self.put_function_concurrency,
            "GetFunctionConcurrency": self.get_function_concurrency,
            "DeleteFunctionConcurrency": self.delete_function_concurrency,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTags": self.list_tags,
        }

    def create_function(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make a function from its deployment package."""
        key = function_key(parameters["FunctionName"], call)
        self._store.require_free(key)
        function = Function(
            key=key,
            code=Code(folder=Path(), size=0, sha256=""),
            settings=settings_of(parameters, key[2], {}),
            revision_id=str(uuid.uuid4()),
            modified=utc_now(),
            tags=dict(parameters.get("Tags") or {}),
        )
        self._check_role(function)
        function = replace(function, code=self._package(parameters["Code"], key, call))
        self._store.add(function)
        return view(function)

    def get_function(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a function; its code's location is a file on this machine."""
        function = self._named(parameters, call)
        answer: dict[str, Any] = {
            "Configuration": view(function),
            "Code": {"RepositoryType": "S3", "Location": function.code.archive.as_uri()},
        }
        if function.tags:
            answer["Tags"] = dict(function.tags)
        if function.reserved is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
        return answer

    def get_function_configuration(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a function's configuration."""
        return view(self._named(parameters, call))

    def update_function_code(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Replace the deployment package."""
        key = self._key(parameters, call)
        before = self._store.get(key)
        settings_of({k: v for k, v in parameters.items() if k in {"Publish", "PublishTo"}}, key[2], before.settings)
        code = self._package(parameters, key, call)
        if parameters.get("DryRun"):
            shutil.rmtree(code.folder)
            return view(replace(before, code=code))
        architectures = {"Architectures": parameters.get("Architectures") or before.settings["Architectures"]}
        return view(
            self._store.change(
                key,
                lambda f: replace(f, code=code, settings={**f.settings, **architectures}),
                revision=parameters.get("RevisionId"),
            )
        )

    def update_function_configuration(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change the configuration."""
        key = self._key(parameters, call)

        def change(function: Function) -> Function:
            changed = replace(function, settings=settings_of(parameters, key[2], function.settings))
            self._check_role(changed)
            return changed

        return view(self._store.change(key, change, revision=parameters.get("RevisionId")))

    def delete_function(self, parameters: dict[str, Any], call: Call) -> None:
        """Remove a function and end its processes."""
        function = self._store.remove(self._key(parameters, call))
        self._invoker.forget(function.key)

    def list_functions(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the functions of the caller's account and region."""
        size = int(parameters.get("MaxItems") or 50)
        functions, more = page(
            self._store.of(call.account, call.region),
            parameters.get("Marker"),
            size=size,
            error="InvalidParameterValueException",
        )
        following = {"NextMarker": more["nextToken"]} if more else {}
        return {"Functions": [view(f) for f in functions], **following}

    def put_function_concurrency(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Reserve concurrency; zero stops the function."""
        reserved = int(parameters["ReservedConcurrentExecutions"])
        self._store.change(self._key(parameters, call), lambda f: replace(f, reserved=reserved))
        return {"ReservedConcurrentExecutions": reserved}

    def get_function_concurrency(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show the reserved concurrency, if any."""
        reserved = self._named(parameters, call).reserved
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def delete_function_concurrency(self, parameters: dict[str, Any], call: Call) -> None:
        """Remove the reservation."""
        self._store.change(self._key(parameters, call), lambda f: replace(f, reserved=None))

    def tag_resource(self, parameters: dict[str, Any], _: Call) -> None:
        """Add or replace tags."""
        key = key_of(parameters["Resource"])
        self._store.change(key, lambda f: replace(f, tags={**f.tags, **parameters["Tags"]}))

    def untag_resource(self, parameters: dict[str, Any], _: Call) -> None:
        """Remove tags."""
        gone = set(parameters["TagKeys"])
        key = key_of(parameters["Resource"])
        self._store.change(key, lambda f: replace(f, tags={k: v for k, v in f.tags.items() if k not in gone}))

    def list_tags(self, parameters: dict[str, Any], _: Call) -> dict[str, Any]:
        """Show the tags."""
        return {"Tags": dict(self._store.get(key_of(parameters["Resource"])).tags)}

    def _key(self, parameters: Mapping[str, Any], call: Call) -> Key:
        return function_key(parameters["FunctionName"], call, parameters.get("Qualifier"))

    def _named(self, parameters: Mapping[str, Any], call: Call) -> Function:
        return self._store.get(self._key(parameters, call))

    def _check_role(self, function: Function) -> None:
        session = require_assumable(self._invoker, function)
        if queue := dead_letter_queue(function.settings):
            require_sendable(queue, session)

    def _package(self, source: Mapping[str, Any], key: Key, call: Call) -> Code:
        archive = packages.fetch(source, self._context.session(call))
        folder = self._context.settings.state_dir.joinpath("lambda", *key, uuid.uuid4().hex[:12])
        return packages.store(archive, folder)
