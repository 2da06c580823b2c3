/** The parts of an Iceberg table's metadata document that the pages show. */

import { ask } from "../api";
import { counted } from "../lab";

export interface IcebergField {
  id: number;
  name: string;
  required: boolean;
  type: unknown;
}

export interface IcebergSchema {
  "schema-id": number;
  fields: IcebergField[];
}

export interface Snapshot {
  "snapshot-id": number | string;
  "parent-snapshot-id"?: number | string;
  "timestamp-ms": number;
  "manifest-list": string;
  "schema-id"?: number;
  summary?: Record<string, string>;
}

export interface Metadata {
  "format-version": number;
  "table-uuid": string;
  location: string;
  "last-updated-ms": number;
  "current-schema-id": number;
  "current-snapshot-id"?: number | string | null;
  schemas: IcebergSchema[];
  snapshots: Snapshot[];
  "partition-specs": { "spec-id": number; fields: { name: string; transform: string; "source-id": number }[] }[];
  properties?: Record<string, string>;
}

export interface IcebergTable {
  location: string;
  metadata: Metadata;
}

export interface Manifest {
  path: string;
  length: number;
  content: string;
  added_files: number;
  existing_files: number;
  deleted_files: number;
  files: { path: string; content: string; format: string; records: number; bytes: number }[];
}

export function icebergTable(database: string, table: string): Promise<IcebergTable> {
  return ask("iceberg", { database, table });
}

export function manifests(location: string): Promise<Manifest[]> {
  return ask("manifests", { location });
}

/** Return a type in the specification's notation, with nested types as JSON. */
export function typeName(type: unknown): string {
  return typeof type === "string" ? type : JSON.stringify(type);
}

export interface SchemaChange {
  schema: number;
  text: string;
}

/** Return the changes between schemas, newest first. Fields are identified by their IDs, so a renamed field is recognized. */
export function schemaHistory(schemas: IcebergSchema[]): SchemaChange[] {
  const ordered = [...schemas].sort((a, b) => a["schema-id"] - b["schema-id"]);
  const changes: SchemaChange[] = [];
  ordered.forEach((schema, place) => {
    const before = new Map((ordered[place - 1]?.fields ?? []).map((field) => [field.id, field]));
    const now = new Map(schema.fields.map((field) => [field.id, field]));
    const texts: string[] = [];
    if (place === 0) texts.push(counted(schema.fields.length, "column"));
    else {
      for (const field of schema.fields) {
        const old = before.get(field.id);
        if (!old) texts.push(`added ${field.name} (${typeName(field.type)})`);
        else if (old.name !== field.name) texts.push(`renamed ${old.name} to ${field.name}`);
        else if (typeName(old.type) !== typeName(field.type)) texts.push(`changed ${field.name} from ${typeName(old.type)} to ${typeName(field.type)}`);
      }
      for (const field of before.values()) if (!now.has(field.id)) texts.push(`dropped ${field.name}`);
      if (texts.length === 0) texts.push("reordered");
    }
    changes.unshift({ schema: schema["schema-id"], text: texts.join("; ") });
  });
  return changes;
}
