import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { href, navigate } from "../router";
import { Button, ConfirmDialog, ErrorBox, Loading, Page, Section, SelectField, Table, TextField, useFlash, type Column } from "../ui";
import { ItemEditor } from "./item_editor";
import { brief, describeTable, keyNames, keyOf, listTables, sortKey, type Item, type TableDescription } from "./model";

const LIMIT = 300;

interface Found {
  Items: Item[];
  ScannedCount: number;
  LastEvaluatedKey?: Item;
}

export function ItemsPage({ name }: { name: string }): VNode {
  const tables = useLoad(() => listTables(), []);
  const table = useLoad(async () => (name ? describeTable(name, { quiet: true }) : undefined), [name]);
  return (
    <Page title="Explore items" crumbs={[{ title: "Tables", href: "#/dynamodb/tables" }]}>
      <ErrorBox error={tables.error ?? table.error} />
      <SelectField
        label="Table" value={name} placeholder="Choose a table" onChange={(table) => navigate(href("/dynamodb/items/:table", { table }))}
        options={(tables.value ?? (name ? [name] : [])).map((each) => ({ value: each, label: each }))}
      />
      {table.value && <Items table={table.value} />}
    </Page>
  );
}

function search(table: TableDescription, value: string): [string, Record<string, unknown>] {
  const [partition = ""] = keyNames(table);
  if (!value) return ["Scan", {}];
  const type = table.AttributeDefinitions.find((definition) => definition.AttributeName === partition)?.AttributeType ?? "S";
  return ["Query", {
    KeyConditionExpression: "#key = :key", ExpressionAttributeNames: { "#key": partition },
    ExpressionAttributeValues: { ":key": { [type]: value } },
  }];
}

function Items({ table }: { table: TableDescription }): VNode {
  const [value, setValue] = useState("");
  const [asked, setAsked] = useState("");
  const [pages, setPages] = useState<Found[]>([]);
  const [selected, setSelected] = useState<string[]>([]);
  const [editing, setEditing] = useState<Item | "new" | undefined>();
  const [deleting, setDeleting] = useState(false);
  const more = useAction();
  const action = useAction();
  const flash = useFlash();
  const name = table.TableName;
  const read = async (from?: Item): Promise<Found> => {
    const [operation, wanted] = search(table, asked);
    return call<Found>("dynamodb", operation, { TableName: name, Limit: LIMIT, ...wanted, ...(from ? { ExclusiveStartKey: from } : {}) });
  };
  const first = useLoad(async () => {
    const found = await read();
    setPages([found]);
    setSelected([]);
    return found;
  }, [name, asked]);
  const items = useMemo(() => pages.flatMap((page) => page.Items), [pages]);
  const last = pages[pages.length - 1]?.LastEvaluatedKey;
  const id = (item: Item): string => JSON.stringify(keyOf(table, item));
  const label = (item: Item): string => keyNames(table).map((key) => brief(item[key])).join(" · ");
  const columns = useMemo<Column<Item>[]>(() => {
    const keys = keyNames(table);
    const others = [...new Set(items.flatMap((item) => Object.keys(item)))].filter((each) => !keys.includes(each)).sort();
    return [...keys, ...others].map((each, place) => ({
      key: each, header: each, sortBy: (item) => sortKey(item[each]),
      render: (item) => (place === 0
        ? <button type="button" class="plain link" onClick={() => setEditing(item)}>{brief(item[each])}</button>
        : brief(item[each])),
    }));
  }, [items]);
  const remove = async (): Promise<void> => {
    for (const item of items.filter((each) => selected.includes(id(each)))) {
      await call("dynamodb", "DeleteItem", { TableName: name, Key: keyOf(table, item) });
    }
    flash("success", `${selected.length} ${selected.length === 1 ? "item was" : "items were"} deleted.`);
    setDeleting(false);
    first.reload();
  };
  return (
    <>
      <form class="row" onSubmit={(event) => { event.preventDefault(); setAsked(value); first.reload(); }}>
        <TextField label={`${keyNames(table)[0] ?? "Partition key"} equals`} value={value} onChange={setValue} placeholder="All items" />
        <p><Button primary type="submit" busy={first.loading}>Run</Button></p>
      </form>
      <Section
        title={`Items returned (${items.length}${last ? "+" : ""})`}
        actions={
          <>
            <Button disabled={selected.length === 0} onClick={() => setDeleting(true)}>Delete items</Button>
            <Button primary onClick={() => setEditing("new")}>Create item</Button>
          </>
        }
      >
        <ErrorBox error={first.error ?? more.error} onRetry={first.reload} />
        {pages.length === 0 && !first.error ? <Loading what="items" /> : (
          <Table
            label="Items" columns={columns} rows={items} rowKey={id} rowLabel={label} select="multi" selected={selected} onSelect={setSelected}
            pageSize={50} empty="No items found."
          />
        )}
        {last && (
          <p class="hint">
            Items read: {items.length} of {(table.ItemCount ?? 0).toLocaleString("en-US")} in the table. Retrieve the next page, or enter a key above to read
            only the items with this key. In a notebook, the paginator of <code>scan</code> reads all items.
          </p>
        )}
        {last && (
          <p><Button busy={more.busy} onClick={() => void more.run(async () => {
            const next = await read(last);
            setPages([...pages, next]);
          })}>Retrieve next page</Button></p>
        )}
      </Section>
      {editing && (
        <ItemEditor
          table={table} item={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)}
          onSaved={() => { setEditing(undefined); flash("success", "The item was saved."); first.reload(); }}
        />
      )}
      {deleting && (
        <ConfirmDialog
          title="Delete items" word="confirm" action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => setDeleting(false)}
        >
          <p>{selected.length} {selected.length === 1 ? "item" : "items"} will be deleted from {name}.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
