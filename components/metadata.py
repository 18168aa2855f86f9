"""ML Metadata's file of a run, for those who read it and never write."""

from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd


def opened(path: str) -> MetadataStore:
    """Returns what is in a file of ML Metadata.

    Args:
        path: SQLite's.
    """
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = path
    connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    return MetadataStore(connection)


def component_of(store: MetadataStore, execution: Any) -> str:
    """Returns the id of the component that ran; empty of what TFX did by itself.

    Args:
        store: Knows it.
        execution: The run of a component.
    """
    for context in store.get_contexts_by_execution(execution.id):
        if context.type == "node":
            return str(context.name.rsplit(".", 1)[-1])
    return ""
