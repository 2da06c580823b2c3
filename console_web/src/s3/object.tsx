import type { VNode } from "preact";
import { ask, call } from "../api";
import { useLoad } from "../hooks";
import { bytes, counted, moment, pretty } from "../lab";
import { Code, CopyButton, ErrorBox, KeyValues, Loading, Page, Section, Table, Tabs, text, type Column } from "../ui";
import { crumbs } from "./bucket";

interface Head {
  ContentLength: number;
  ContentType?: string;
  LastModified?: string;
  ETag?: string;
}

interface Parquet {
  rows: number;
  size: number;
  created_by: string;
  columns: { name: string; type: string; nullable: boolean; id: string | null }[];
  row_groups: { rows: number; bytes: number; compression: string }[];
  metadata: Record<string, string>;
  first_rows: Record<string, unknown>[];
}

const TEXT = /\.(json|csv|txt|md|sql|ion|metadata)$/i;
const PREVIEW = 65536;

export function ObjectPage({ bucket, name }: { bucket: string; name: string }): VNode {
  const head = useLoad(() => call<Head>("s3", "HeadObject", { Bucket: bucket, Key: name }), [bucket, name]);
  const uri = `s3://${bucket}/${name}`;
  return (
    <Page title={name.split("/").pop() ?? name} crumbs={[...crumbs(bucket, name)]}>
      <ErrorBox error={head.error} onRetry={head.reload} />
      {head.value && (
        <Section title="Object overview">
          <KeyValues
            items={[
              ["S3 URI", <><code>{uri}</code> <CopyButton text={uri} label="Copy S3 URI" /></>], ["Size", bytes(head.value.ContentLength)],
              ["Type", head.value.ContentType], ["Last modified", moment(head.value.LastModified)],
            ]}
          />
        </Section>
      )}
      {name.endsWith(".parquet") && <ParquetView bucket={bucket} name={name} />}
      {TEXT.test(name) && <TextView bucket={bucket} name={name} />}
    </Page>
  );
}

function TextView({ bucket, name }: { bucket: string; name: string }): VNode {
  const body = useLoad(async () => {
    const found = await call<{ Body: { base64: string } }>("s3", "GetObject", { Bucket: bucket, Key: name });
    const whole = new TextDecoder().decode(Uint8Array.from(atob(found.Body.base64), (letter) => letter.charCodeAt(0)));
    return whole.length > PREVIEW ? `${whole.slice(0, PREVIEW)}\n…` : pretty(whole);
  }, [bucket, name]);
  return (
    <Section title="Preview">
      <ErrorBox error={body.error} />
      {body.value === undefined ? !body.error && <Loading what="the object" /> : <Code text={body.value} label="Content" />}
    </Section>
  );
}

const COLUMNS: Column<Parquet["columns"][number]>[] = [
  { key: "name", header: "Column" }, { key: "type", header: "Type" },
  { key: "nullable", header: "Nullable", render: (each) => (each.nullable ? "yes" : "no") },
  { key: "id", header: "Iceberg field id", numeric: true },
];

const GROUPS: Column<Parquet["row_groups"][number]>[] = [
  { key: "rows", header: "Rows", numeric: true },
  { key: "bytes", header: "Bytes", numeric: true },
  { key: "compression", header: "Compression" },
];

/** The schema, the first rows and the footer of a Parquet file. */
function ParquetView({ bucket, name }: { bucket: string; name: string }): VNode {
  const file = useLoad(() => ask<Parquet>("parquet", { bucket, key: name }), [bucket, name]);
  const { value } = file;
  if (!value) return <>{file.error ? <ErrorBox error={file.error} /> : <Loading what="the Parquet file" />}</>;
  const rows: Column<Record<string, unknown>>[] = value.columns.map((column) => ({ key: column.name, header: column.name, render: (row) => text(row[column.name]) }));
  return (
    <Section title={`Parquet file: ${counted(value.rows, "row")}, ${counted(value.columns.length, "column")}`}>
      <Tabs
        label="Parquet file"
        tabs={[
          { id: "rows", title: "First rows", render: () => <Table label="First rows" columns={rows} rows={value.first_rows} rowKey={(_, place) => String(place)} /> },
          { id: "schema", title: "Schema", render: () => <Table label="Schema" columns={COLUMNS} rows={value.columns} rowKey={(each) => each.name} /> },
          { id: "groups", title: "Row groups", render: () => <Table label="Row groups" columns={GROUPS} rows={value.row_groups} rowKey={(_, place) => String(place)} /> },
          { id: "footer", title: "Footer", render: () => <KeyValues items={[["Created by", value.created_by], ...Object.entries(value.metadata)]} /> },
        ]}
      />
    </Section>
  );
}
