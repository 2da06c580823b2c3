import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { moment } from "../lab";
import { href } from "../router";
import { Button, ConfirmDialog, ErrorBox, KeyValues, Loading, Page, Section, Table, useFlash, type Column } from "../ui";
import { listTables, type Database, type GlueTable } from "./model";

const COLUMNS: Column<GlueTable>[] = [
  {
    key: "name", header: "Name", sortBy: (each) => each.Name,
    render: (each) => <a href={href("/glue/databases/:database/tables/:table", { database: each.DatabaseName, table: each.Name })}>{each.Name}</a>,
  },
  { key: "format", header: "Table format", render: (each) => each.Parameters?.["table_type"] ?? each.TableType ?? "–" },
  { key: "location", header: "Location", render: (each) => each.StorageDescriptor?.Location ?? "–" },
  { key: "updated", header: "Updated", render: (each) => moment(each.UpdateTime) },
];

export function DatabasePage({ name }: { name: string }): VNode {
  const found = useLoad(async () => (await call<{ Database: Database }>("glue", "GetDatabase", { Name: name })).Database, [name]);
  const tables = useLoad((again) => listTables(name, { quiet: again }), [name], { milliseconds: 3000, while: () => true });
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const action = useAction();
  const flash = useFlash();
  const [table = ""] = selected;
  const remove = async (): Promise<void> => {
    await call("glue", "DeleteTable", { DatabaseName: name, Name: table });
    flash("success", `Table ${table} was deleted from the Data Catalog.`);
    setDeleting(false);
    setSelected([]);
    tables.reload();
  };
  return (
    <Page title={name} crumbs={[{ title: "Databases", href: "#/glue/databases" }]}>
      <ErrorBox error={found.error ?? tables.error} onRetry={() => { found.reload(); tables.reload(); }} />
      {found.value && (
        <Section title="Database properties">
          <KeyValues items={[["Location", found.value.LocationUri], ["Description", found.value.Description], ["Created", moment(found.value.CreateTime)]]} />
        </Section>
      )}
      <Section title="Tables" actions={<Button disabled={!table} onClick={() => setDeleting(true)}>Delete</Button>}>
        {tables.value ? (
          <Table
            label="Tables" columns={COLUMNS} rows={tables.value} rowKey={(each) => each.Name} select="single" selected={selected}
            onSelect={setSelected} find={(each) => each.Name} pageSize={50} empty="The database has no tables yet."
          />
        ) : !tables.error && <Loading what="tables" />}
      </Section>
      {deleting && (
        <ConfirmDialog
          title={`Delete table ${table}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => { setDeleting(false); action.clear(); }}
        >
          <p>This removes the table from the Data Catalog. Its files in Amazon S3 are kept.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
