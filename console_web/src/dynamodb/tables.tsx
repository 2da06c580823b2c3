import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { useAction, useLoad } from "../hooks";
import { href } from "../router";
import { Button, ButtonLink, ConfirmDialog, ErrorBox, Loading, Page, Status, Table, useFlash, type Column } from "../ui";
import { describeTable, listTables, type TableDescription } from "./model";

function key(table: TableDescription, kind: "HASH" | "RANGE"): string {
  const name = table.KeySchema.find((element) => element.KeyType === kind)?.AttributeName;
  const type = table.AttributeDefinitions.find((definition) => definition.AttributeName === name)?.AttributeType;
  return name ? `${name} (${type ?? "?"})` : "–";
}

interface Row {
  name: string;
  /** Undefined until the row is shown, because an account can have thousands of tables. */
  table: TableDescription | undefined;
}

const COLUMNS: Column<Row>[] = [
  { key: "name", header: "Name", render: ({ name }) => <a href={href("/dynamodb/tables/:table", { table: name })}>{name}</a>, sortBy: ({ name }) => name },
  { key: "status", header: "Status", render: ({ table }) => (table ? <Status value={table.TableStatus} /> : "…") },
  { key: "partition", header: "Partition key", render: ({ table }) => (table ? key(table, "HASH") : "…") },
  { key: "sort", header: "Sort key", render: ({ table }) => (table ? key(table, "RANGE") : "…") },
  { key: "items", header: "Item count", numeric: true, render: ({ table }) => table?.ItemCount ?? "…" },
];

/** Return a table's description, or undefined if the table was deleted after the names were listed. */
async function described(name: string): Promise<TableDescription | undefined> {
  try {
    return await describeTable(name, { quiet: true });
  } catch (error) {
    if (error instanceof ApiError && error.code === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

export function TablesPage(): VNode {
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const [shown, setShown] = useState<string[]>([]);
  const names = useLoad((again) => listTables({ quiet: again }), []);
  const details = useLoad(async () => {
    const found = (await Promise.all(shown.map(described))).filter((table) => table !== undefined);
    if (found.length < shown.length) names.reload();
    return found;
  }, [shown], { milliseconds: 1000, while: (found) => found.length < shown.length || found.some((table) => table.TableStatus !== "ACTIVE") });
  const rows = useMemo<Row[]>(() => {
    const known = new Map((details.value ?? []).map((table) => [table.TableName, table]));
    return (names.value ?? []).map((name) => ({ name, table: known.get(name) }));
  }, [names.value, details.value]);
  const reload = (): void => {
    names.reload();
    details.reload();
  };
  const action = useAction();
  const flash = useFlash();
  const [name] = selected;
  const remove = async (): Promise<void> => {
    await call("dynamodb", "DeleteTable", { TableName: name });
    flash("success", `Table ${name ?? ""} is being deleted.`);
    setDeleting(false);
    setSelected([]);
    reload();
  };
  return (
    <Page
      title="Tables"
      actions={
        <>
          <Button onClick={reload} label="Refresh tables">Refresh</Button>
          <Button disabled={!name} onClick={() => setDeleting(true)}>Delete</Button>
          <ButtonLink primary href="#/dynamodb/create-table">Create table</ButtonLink>
        </>
      }
    >
      <ErrorBox error={names.error ?? details.error} onRetry={reload} />
      {names.value ? (
        <Table
          label="Tables" columns={COLUMNS} rows={rows} rowKey={({ name: each }) => each} select="single"
          selected={selected} onSelect={setSelected} find={({ name: each }) => each} pageSize={50}
          onShow={(visible) => setShown(visible.map(({ name: each }) => each))}
          empty={<>There are no tables yet. <a href="#/dynamodb/create-table">Create table</a></>}
        />
      ) : !names.error && <Loading what="tables" />}
      {deleting && (
        <ConfirmDialog
          title={`Delete table ${name ?? ""}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => { setDeleting(false); action.clear(); }}
        >
          <p>This deletes the table and all of its items. A zero-ETL integration whose source is this table will need attention.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
