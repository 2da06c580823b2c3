"""A reader of data files, which parses each required column once and returns Arrow arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.table.name_mapping import NameMapping
from pyiceberg.types import NestedField

from local_lakehouse.iceberg.cache import ColumnKey, KeptValues, RowCache
from local_lakehouse.iceberg.file_io import ObjectBytes
from local_lakehouse.iceberg.forms import Form, StoredField, arrow_type, nested_ids, read_form, stored_fields
from local_lakehouse.iceberg.scans import ScanFile

_KEPT_LAYOUTS = 4096


class Reader:
    """A reader of data files.

    Args:
        objects: Access to the S3 objects.
        rows: The cache of columns that were read or written earlier.
    """

    def __init__(self, objects: ObjectBytes, rows: RowCache) -> None:
        self._objects = objects
        self._rows = rows
        self._layouts: KeptValues[tuple[StoredField, ...]] = KeptValues(_KEPT_LAYOUTS)

    def layout(self, file: ScanFile, mapping: NameMapping | None) -> tuple[StoredField, ...]:
        """Return the fields of a data file."""

        def read() -> tuple[StoredField, ...]:
            with self._objects.open(file.path, file.size) as opened:
                return stored_fields(pq.ParquetFile(opened).schema_arrow, mapping)

        return self._layouts.get((file.path, _mapping_text(mapping)), read)

    def read(
        self, file: ScanFile, fields: Sequence[tuple[str, NestedField]], form: Form, mapping: NameMapping | None = None
    ) -> pa.Table:
        """Return columns of a data file, without deleted rows.

        Args:
            file: The file.
            fields: The names of the result's columns, and their fields in the schema of the table version.
            form: The representation of the result.
            mapping: The field IDs, keyed by name, for files without field IDs.
        """
        if not fields:
            return self._without_columns(file)
        deletes = tuple(path for path, _ in file.deletes)
        mapping_text = _mapping_text(mapping)
        keys = {
            field.field_id: _key(file.path, field, arrow_type(field.field_type, form), deletes, mapping_text)
            for _, field in fields
        }
        # A column is cached under only one of these keys, depending on whether the file contains the column.
        filled_keys = {
            field_id: key._replace(constant=repr(file.constants.get(field_id))) for field_id, key in keys.items()
        }
        columns: dict[int, pa.ChunkedArray] = {}
        for field_id, key in keys.items():
            kept = self._rows.get(key)
            if kept is None:
                kept = self._rows.get(filled_keys[field_id])
            if kept is not None:
                columns[field_id] = kept
        missing = [field for _, field in fields if field.field_id not in columns]
        if missing:
            stored = {known.field_id for known in self.layout(file, mapping)}
            parsed = self._parse(file, missing, form, mapping)
            for field, column in zip(missing, parsed, strict=True):
                key = (keys if field.field_id in stored else filled_keys)[field.field_id]
                self._rows.put(key, column)
                columns[field.field_id] = column
        return pa.table({name: columns[field.field_id] for name, field in fields})

    def put(self, path: str, fields: Sequence[NestedField], rows: pa.Table) -> None:
        """Cache the rows of a new file in the representation that data files use."""
        for field, column in zip(fields, rows.columns, strict=True):
            self._rows.put(_key(path, field, column.type), column)

    def _without_columns(self, file: ScanFile) -> pa.Table:
        count = file.rows - len(self._deleted(file)) if file.deletes else file.rows
        # Arrow preserves the row count of a table without columns only if the table is the result of a selection.
        return pa.table({"n": pa.nulls(count, pa.int8())}).select([])

    def _parse(
        self, file: ScanFile, fields: Sequence[NestedField], form: Form, mapping: NameMapping | None
    ) -> list[pa.ChunkedArray]:
        layout = {stored.field_id: stored for stored in self.layout(file, mapping)}
        present = [layout[field.field_id].name for field in fields if field.field_id in layout]
        with self._objects.open(file.path, file.size) as opened:
            found = pq.ParquetFile(opened).read(columns=present) if present else None
        kept = self._kept(file)
        length = file.rows if kept is None else len(kept)
        columns = []
        for field in fields:
            stored = layout.get(field.field_id)
            if stored is None or found is None:
                columns.append(_constant(file, field, form, length))
            else:
                values = found.column(found.schema.get_field_index(stored.name))
                column = read_form(values, stored, field.field_type, form)
                columns.append(column if kept is None else column.take(kept))
        return columns

    def _kept(self, file: ScanFile) -> pa.Array | None:
        """Return the positions of the remaining rows, or None if no row is deleted."""
        if not file.deletes:
            return None
        keep = np.ones(file.rows, bool)
        keep[self._deleted(file)] = False
        return pa.array(np.flatnonzero(keep))

    def _deleted(self, file: ScanFile) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        places = []
        for path, size in file.deletes:
            with self._objects.open(path, size) as opened:
                found = pq.read_table(opened, columns=["file_path", "pos"])
            mine = found.filter(pc.equal(found.column("file_path"), file.path))
            places.append(mine.column("pos").to_numpy())
        return np.unique(np.concatenate(places).astype(np.int64))


def _mapping_text(mapping: NameMapping | None) -> str | None:
    return None if mapping is None else mapping.model_dump_json()


def _key(
    path: str, field: NestedField, type_: pa.DataType, deletes: tuple[str, ...] = (), mapping: str | None = None
) -> ColumnKey:
    return ColumnKey(path, (field.field_id, *nested_ids(field.field_type)), str(type_), deletes, mapping)


def _constant(file: ScanFile, field: NestedField, form: Form, length: int) -> pa.ChunkedArray:
    """Return a column that a file does not contain, filled with the partition's value or NULL."""
    value = file.constants.get(field.field_id)
    if value is None:
        return pa.chunked_array([pa.nulls(length, arrow_type(field.field_type, form))])
    plain = pa.chunked_array([pa.repeat(pa.scalar(value, arrow_type(field.field_type, Form.FILE)), length)])
    return read_form(plain, StoredField(field.name, plain.type, field.field_id), field.field_type, form)
