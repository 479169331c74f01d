"""What a twin keeps beyond its process: tables of records in journals under its folder.

The bar is `kill -9` at any point: whatever a call had acknowledged is there when a twin starts again in that folder.
"""

from __future__ import annotations

from lockgate_twin.durability.memory import MemoryTables
from lockgate_twin.durability.tables import JournalTables

__all__ = ["JournalTables", "MemoryTables"]
