import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { bytes, counted, moment } from "../lab";
import { href } from "../router";
import { Section, Tree, type TreeNode } from "../ui";
import { manifests, typeName, type IcebergTable, type Manifest, type Metadata, type Snapshot } from "./iceberg";

const S3 = /^s3a?:\/\//;

function fileName(location: string): string {
  return location.split("/").pop() ?? location;
}

/** Return the address of the page that shows the object at an S3 location. */
function objectPage(location: string): string {
  const [bucket = "", ...key] = location.replace(S3, "").split("/");
  return href("/s3/:bucket/object", { bucket }, { key: key.join("/") });
}

function manifestNode(manifest: Manifest): TreeNode {
  return {
    id: manifest.path, title: `${manifest.content} manifest`, detail: fileName(manifest.path),
    children: manifest.files.map((file) => ({
      id: file.path, title: `${file.content} file`,
      detail: `${fileName(file.path)} · ${counted(file.records, "record")} · ${bytes(file.bytes)}`,
    })),
  };
}

function snapshotNode(snapshot: Snapshot, current: boolean): TreeNode {
  return {
    id: `snapshot-${snapshot["snapshot-id"]}`, title: `${current ? "Current snapshot" : "Snapshot"} ${snapshot["snapshot-id"]}`,
    detail: `${moment(snapshot["timestamp-ms"])} · ${snapshot.summary?.["operation"] ?? ""} · ${counted(Number(snapshot.summary?.["total-records"] ?? 0), "record")}`,
    load: async () => (await manifests(snapshot["manifest-list"])).map(manifestNode),
  };
}

function nodes(metadata: Metadata): TreeNode[] {
  const current = metadata["current-snapshot-id"];
  return [
    { id: "snapshots", title: "Snapshots", detail: metadata.snapshots.length, children: [...metadata.snapshots].reverse().map((each) => snapshotNode(each, each["snapshot-id"] === current)) },
    {
      id: "schemas", title: "Schemas", detail: metadata.schemas.length,
      children: metadata.schemas.map((schema) => ({
        id: `schema-${schema["schema-id"]}`, title: `Schema ${schema["schema-id"]}`, detail: schema["schema-id"] === metadata["current-schema-id"] ? "current" : undefined,
        children: schema.fields.map((field) => ({ id: `schema-${schema["schema-id"]}-${field.id}`, title: `${field.id}: ${field.name}`, detail: `${typeName(field.type)}${field.required ? " · required" : ""}` })),
      })),
    },
    {
      id: "partitions", title: "Partition specs", detail: metadata["partition-specs"].length,
      children: metadata["partition-specs"].map((spec) => ({
        id: `spec-${spec["spec-id"]}`, title: `Spec ${spec["spec-id"]}`, detail: spec.fields.map((field) => `${field.name} = ${field.transform}`).join(", ") || "unpartitioned",
      })),
    },
    {
      id: "properties", title: "Properties", detail: Object.keys(metadata.properties ?? {}).length,
      children: Object.entries(metadata.properties ?? {}).map(([name, value]) => ({ id: `property-${name}`, title: name, detail: value })),
    },
  ];
}

/** The files of a table's versions, from the metadata file down to the data files. */
export function IcebergTree({ table }: { table: IcebergTable }): VNode {
  const [selected, setSelected] = useState(table.location);
  return (
    <Section title="Iceberg metadata">
      <p class="hint">Format version {table.metadata["format-version"]}. Open a snapshot to see its manifests and data files.</p>
      <Tree label="Iceberg metadata" nodes={nodes(table.metadata)} open={["snapshots"]} selected={selected} onSelect={(node) => setSelected(node.id)} />
      <p>
        <a href={objectPage(S3.test(selected) ? selected : table.location)}>
          Open {S3.test(selected) ? fileName(selected) : "the metadata file"} in Amazon S3
        </a>
      </p>
    </Section>
  );
}
