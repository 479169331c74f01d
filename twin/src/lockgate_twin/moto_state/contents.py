"""The bodies of S3 objects: small ones in the journal, larger ones each in a file of its own."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Below this a file of its own costs more than the journal's room.
INLINE_BYTES = 8192
# What a record says of a body: its bytes, its file's name, or None if moto has let it go.
Content = bytes | str | None


class StoredBody:
    """What moto takes for an object's buffer: reads from the file, and holds no descriptor of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._closed = False

    def seek(self, position: int) -> int:
        """Read from there next."""
        self._at = position
        return position

    def tell(self) -> int:
        """Return where the next bytes are read."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read bytes.

        Raises:
            ValueError: moto has let the object go, as any closed file says.
        """
        if self._closed or not self._path.exists():
            raise ValueError("The object is gone.")
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read(size)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let the object go; whoever keeps it deletes its file."""
        self._closed = True


class Contents:
    """The folder of bodies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, entry: Any) -> Content:
        """Keep an object's body; moto reads a large one from its file from now on."""
        try:
            body = bytes(entry.value)
        except ValueError:
            # Deleted meanwhile: another call writes that down.
            return None
        if len(body) <= INLINE_BYTES:
            return body
        name = uuid.uuid4().hex
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
        self._replace_buffer(entry, path)
        return name

    def give(self, entry: Any, content: Content) -> None:
        """Give an object that was kept its body back."""
        if isinstance(content, str):
            entry._value_buffer = StoredBody(self._path(content))
        elif content is not None:
            entry._value_buffer = io.BytesIO(content)
        else:
            entry._value_buffer.close()

    def drop(self, content: Content) -> None:
        """Delete the file of a body that is gone."""
        if isinstance(content, str):
            self._path(content).unlink(missing_ok=True)

    def drop_all_but(self, wanted: Iterable[Content]) -> None:
        """Delete the files of bodies whose record a killed twin had not written, or had removed already."""
        names = {content for content in wanted if isinstance(content, str)}
        for file in self._folder.glob("??/*"):
            if file.name not in names:
                file.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    @staticmethod
    def _replace_buffer(entry: Any, path: Path) -> None:
        with entry.lock:
            old, entry._value_buffer = entry._value_buffer, StoredBody(path)
        old.close()
