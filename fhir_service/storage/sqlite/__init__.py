"""The store in one SQLite file."""

from fhir_service.storage.sqlite.schema import NewerFile
from fhir_service.storage.sqlite.store import SqliteStore

__all__ = ["NewerFile", "SqliteStore"]
