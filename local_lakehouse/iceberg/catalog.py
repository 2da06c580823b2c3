"""The PyIceberg catalog for the lakehouse's Glue Data Catalog and S3.

PyIceberg chooses a `FileIO` class based on properties, and a table's properties take precedence, so clients could name
any Python class. The catalog therefore overrides `_load_file_io`, a private method of PyIceberg.
`tests/local_lakehouse/iceberg/test_catalog.py` fails if this method no longer exists.
"""

from __future__ import annotations

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import EMPTY_DICT, Properties

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg.cache import KeptValues, RowCache
from local_lakehouse.iceberg.file_io import LakehouseFileIO, ObjectBytes

_KEPT_METADATA = 256


class LakehouseCatalog(GlueCatalog):
    """The Iceberg tables of the lakehouse.

    Args:
        clients: The AWS clients for the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        super().__init__("lakehouse", client=clients.client("glue"))
        self.objects = ObjectBytes(clients)
        self.rows = RowCache()
        self._metadata: KeptValues[TableMetadata] = KeptValues(_KEPT_METADATA)

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        return self.file_io(properties)

    def file_io(self, properties: Properties = EMPTY_DICT) -> LakehouseFileIO:
        """Return the `FileIO` of a table with the given properties."""
        return LakehouseFileIO(self.objects, {**self.properties, **properties})

    def table_at(self, database: str, name: str, metadata_location: str) -> Table:
        """Return the table that a metadata file describes.

        Raises:
            FileNotFoundError: The file does not exist.
        """
        io = self.file_io()
        # A metadata file never changes, so its contents can be cached.
        metadata = self._metadata.get(
            metadata_location, lambda: FromInputFile.table_metadata(io.new_input(metadata_location))
        )
        return Table((database, name), metadata, metadata_location, io, self)

    def staged_table(self, database: str, name: str, metadata: TableMetadata) -> StagedTable:
        """Return a table that is not yet in the catalog."""
        return StagedTable((database, name), metadata, "", self.file_io(metadata.properties), self)


def load_catalog(clients: ServiceClients) -> LakehouseCatalog:
    """Return the lakehouse's catalog. All services share the catalog and its caches.

    Args:
        clients: The AWS clients for the lakehouse.
    """
    return clients.shared(LakehouseCatalog, lambda: LakehouseCatalog(clients))
