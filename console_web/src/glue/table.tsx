import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoad } from "../hooks";
import { moment } from "../lab";
import { href, replaceQuery } from "../router";
import { ErrorBox, KeyValues, Loading, Page, Section, Table, Tabs, type Column, type Tab } from "../ui";
import { IcebergTree } from "./iceberg_tree";
import { icebergTable, schemaHistory, type IcebergTable, type SchemaChange, type Snapshot } from "./iceberg";
import type { GlueTable, TableColumn } from "./model";

const SCHEMA: Column<TableColumn>[] = [
  { key: "Name", header: "Column name", sortBy: (each) => each.Name },
  { key: "Type", header: "Data type" },
  { key: "id", header: "Iceberg field id", numeric: true, render: (each) => each.Parameters?.["iceberg.field.id"] ?? "–" },
  { key: "Comment", header: "Comment" },
];

const HISTORY: Column<SchemaChange>[] = [
  { key: "schema", header: "Schema id", numeric: true },
  { key: "text", header: "Change" },
];

const count = (snapshot: Snapshot, name: string): string => snapshot.summary?.[name] ?? "0";

const SNAPSHOTS: Column<Snapshot>[] = [
  { key: "time", header: "Committed", render: (each) => moment(each["timestamp-ms"]), sortBy: (each) => each["timestamp-ms"] },
  { key: "id", header: "Snapshot id", render: (each) => <code>{each["snapshot-id"]}</code> },
  { key: "operation", header: "Operation", render: (each) => count(each, "operation") },
  { key: "added", header: "Added records", numeric: true, render: (each) => count(each, "added-records") },
  { key: "deleted", header: "Deleted records", numeric: true, render: (each) => count(each, "deleted-records") },
  { key: "total", header: "Total records", numeric: true, render: (each) => count(each, "total-records") },
  { key: "schema", header: "Schema id", numeric: true, render: (each) => each["schema-id"] ?? "–" },
];

export function TablePage({ database, name, tab }: { database: string; name: string; tab: string }): VNode {
  const [open, setOpen] = useState(tab);
  const table = useLoad(async () => (await call<{ Table: GlueTable }>("glue", "GetTable", { DatabaseName: database, Name: name })).Table, [database, name]);
  const isIceberg = table.value?.Parameters?.["table_type"]?.toUpperCase() === "ICEBERG";
  const iceberg = useLoad<IcebergTable | undefined>(
    async () => (isIceberg ? icebergTable(database, name) : undefined), [isIceberg, table.value?.VersionId],
  );
  const { value } = table;
  return (
    <Page
      title={name}
      crumbs={[{ title: "Databases", href: "#/glue/databases" }, { title: database, href: href("/glue/databases/:database", { database }) }]}
    >
      <ErrorBox error={table.error ?? iceberg.error} onRetry={table.reload} />
      {!value && !table.error && <Loading what="the table" />}
      {value && (
        <>
          <Section title="Table overview">
            <KeyValues
              items={[
                ["Database", database], ["Table format", value.Parameters?.["table_type"] ?? value.TableType], ["Location", value.StorageDescriptor?.Location],
                ["Updated", moment(value.UpdateTime)], ["Version", value.VersionId],
              ]}
            />
          </Section>
          <Tabs label="Table" selected={open} onSelect={(id) => { setOpen(id); replaceQuery({ tab: id }); }} tabs={tabs(value, iceberg.value)} />
        </>
      )}
    </Page>
  );
}

function tabs(table: GlueTable, iceberg: IcebergTable | undefined): Tab[] {
  const columns = [...(table.StorageDescriptor?.Columns ?? []), ...(table.PartitionKeys ?? [])];
  const found: Tab[] = [
    { id: "schema", title: "Schema", render: () => <Table label="Schema" columns={SCHEMA} rows={columns} rowKey={(each) => each.Name} find={(each) => each.Name} pageSize={100} /> },
  ];
  if (iceberg) {
    const { metadata } = iceberg;
    found.push(
      { id: "history", title: "Schema history", render: () => <Table label="Schema history" columns={HISTORY} rows={schemaHistory(metadata.schemas)} rowKey={(each) => String(each.schema)} /> },
      { id: "snapshots", title: "Snapshots", render: () => <Table label="Snapshots" columns={SNAPSHOTS} rows={[...metadata.snapshots].reverse()} rowKey={(each) => String(each["snapshot-id"])} pageSize={25} /> },
      { id: "metadata", title: "Iceberg metadata", render: () => <IcebergTree table={iceberg} /> },
    );
  }
  const properties = Object.entries(table.Parameters ?? {}).sort();
  found.push({ id: "properties", title: "Table properties", render: () => <KeyValues items={properties} /> });
  return found;
}
