import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { href } from "../router";
import { Button, ButtonLink, ConfirmDialog, ErrorBox, Loading, Page, Status, Table, useFlash, type Column } from "../ui";
import { describeTable, listTables, type TableDescription } from "./model";

function key(table: TableDescription, kind: "HASH" | "RANGE"): string {
  const name = table.KeySchema.find((element) => element.KeyType === kind)?.AttributeName;
  const type = table.AttributeDefinitions.find((definition) => definition.AttributeName === name)?.AttributeType;
  return name ? `${name} (${type ?? "?"})` : "–";
}

const COLUMNS: Column<TableDescription>[] = [
  { key: "name", header: "Name", render: (table) => <a href={href("/dynamodb/tables/:table", { table: table.TableName })}>{table.TableName}</a>, sortBy: (table) => table.TableName },
  { key: "status", header: "Status", render: (table) => <Status value={table.TableStatus} /> },
  { key: "partition", header: "Partition key", render: (table) => key(table, "HASH") },
  { key: "sort", header: "Sort key", render: (table) => key(table, "RANGE") },
  { key: "items", header: "Item count", numeric: true, render: (table) => table.ItemCount ?? 0, sortBy: (table) => table.ItemCount ?? 0 },
];

export function TablesPage(): VNode {
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const tables = useLoad(
    async (again) => Promise.all((await listTables({ quiet: again })).map((name) => describeTable(name, { quiet: true }))), [],
    { milliseconds: 1000, while: (found) => found.some((table) => table.TableStatus !== "ACTIVE") },
  );
  const action = useAction();
  const flash = useFlash();
  const [name] = selected;
  const remove = async (): Promise<void> => {
    await call("dynamodb", "DeleteTable", { TableName: name });
    flash("success", `Table ${name ?? ""} is being deleted.`);
    setDeleting(false);
    setSelected([]);
    tables.reload();
  };
  return (
    <Page
      title="Tables"
      actions={
        <>
          <Button onClick={tables.reload} label="Refresh tables">Refresh</Button>
          <Button disabled={!name} onClick={() => setDeleting(true)}>Delete</Button>
          <ButtonLink primary href="#/dynamodb/create-table">Create table</ButtonLink>
        </>
      }
    >
      <ErrorBox error={tables.error} onRetry={tables.reload} />
      {tables.value ? (
        <Table
          label="Tables" columns={COLUMNS} rows={tables.value} rowKey={(table) => table.TableName} select="single"
          selected={selected} onSelect={setSelected} find={(table) => table.TableName} pageSize={50}
          empty={<>There are no tables yet. <a href="#/dynamodb/create-table">Create table</a></>}
        />
      ) : !tables.error && <Loading what="tables" />}
      {deleting && (
        <ConfirmDialog
          title={`Delete table ${name ?? ""}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => { setDeleting(false); action.clear(); }}
        >
          <p>This deletes the table and all of its items. A zero-ETL integration that reads the table will need attention.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
