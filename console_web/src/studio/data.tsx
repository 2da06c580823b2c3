/** The data explorer: Lakehouse, AwsDataCatalog, databases and tables. */

import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useLoad } from "../hooks";
import { href, navigate } from "../router";
import { Empty, ErrorBox, KeyValues, Loading, Menu, Page, Section, Table, Tabs, Tree, type TreeNode } from "../ui";
import { columns, databases, sample, table as loadTable, tables } from "./catalog";
import { lab as labNames } from "../api";
import { FEW_ROWS, run } from "./run";

interface Chosen {
  database: string;
  table: string;
}

/** Return the ID of a node. The node's name can contain any character. */
function identify(thing: Partial<Chosen>): string {
  return JSON.stringify(thing);
}

function queryAddress(chosen: Chosen): string {
  return href("/studio/query", {}, { database: chosen.database, table: chosen.table });
}

export function DataPage({ query }: { query: URLSearchParams }): VNode {
  const [database, table] = [query.get("database"), query.get("table")];
  const [chosen, setChosen] = useState<Chosen | undefined>(database && table ? { database, table } : undefined);
  const nodes = useMemo<TreeNode[]>(() => [{
    id: "lakehouse",
    title: "Lakehouse",
    children: [{
      id: "catalog",
      title: "AwsDataCatalog",
      load: async () => (await databases()).map((name) => ({
        id: identify({ database: name }),
        title: name,
        load: async () => (await tables(name)).map((found) => ({ id: identify({ database: name, table: found.Name }), title: found.Name })),
      })),
    }],
  }], []);
  const select = ({ id }: TreeNode): void => {
    const found = id.startsWith("{") ? (JSON.parse(id) as Partial<Chosen>) : {};
    if (found.database && found.table) setChosen({ database: found.database, table: found.table });
  };
  return (
    <Page title="Data" crumbs={[{ title: "SageMaker Unified Studio", href: "#/studio" }]}>
      <div class="split">
        <Section title="Data explorer">
          <Tree label="Data" nodes={nodes} onSelect={select} selected={chosen && identify(chosen)} />
        </Section>
        {chosen ? <TableDetail key={identify(chosen)} chosen={chosen} /> : (
          <Section title="Table"><Empty>Expand Lakehouse, AwsDataCatalog and a database, then choose a table.</Empty></Section>
        )}
      </div>
    </Page>
  );
}

function TableDetail({ chosen }: { chosen: Chosen }): VNode {
  const found = useLoad(() => loadTable(chosen.database, chosen.table), [chosen]);
  return (
    <Section
      title={chosen.table}
      actions={
        <Menu
          title="Actions" label={`Actions for ${chosen.table}`}
          items={[
            { title: "Query with Athena", onSelect: () => navigate(queryAddress(chosen)) },
            { title: "View in AWS Glue", onSelect: () => navigate(href("/glue/databases/:database/tables/:table", { ...chosen })) },
          ]}
        />
      }
    >
      <ErrorBox error={found.error} onRetry={found.reload} />
      {!found.value && found.loading && <Loading what="table" />}
      {found.value && (
        <Tabs
          label={`About ${chosen.table}`}
          tabs={[
            {
              id: "columns", title: "Columns",
              render: () => (
                <Table
                  label="Columns" rows={columns(found.value ?? { Name: "", DatabaseName: "" })} rowKey={({ Name }) => Name}
                  columns={[
                    { key: "Name", header: "Column", sortBy: ({ Name }) => Name },
                    { key: "Type", header: "Type" },
                    { key: "Comment", header: "Comment" },
                  ]}
                />
              ),
            },
            { id: "sample", title: "Sample data", render: () => <Sample chosen={chosen} /> },
            {
              id: "details", title: "Details",
              render: () => (
                <KeyValues
                  items={[
                    ["Database", chosen.database], ["Table type", found.value?.Parameters?.["table_type"] ?? found.value?.TableType],
                    ["Location", found.value?.StorageDescriptor?.Location], ["Updated", found.value?.UpdateTime],
                    ["Metadata", found.value?.Parameters?.["metadata_location"]],
                  ]}
                />
              ),
            },
          ]}
        />
      )}
    </Section>
  );
}

function Sample({ chosen }: { chosen: Chosen }): VNode {
  const found = useLoad(
    async () => run(sample(chosen.database, chosen.table), await labNames(), FEW_ROWS, { id: undefined, stopped: false }), [chosen],
  );
  if (found.error) return <ErrorBox error={found.error} onRetry={found.reload} />;
  if (!found.value) return <Loading what="sample" />;
  const { columns: names, rows } = found.value;
  return (
    <Table
      label="Sample" rows={rows} rowKey={(_, place) => String(place)}
      columns={names.map(({ name }, place) => ({ key: String(place), header: name, render: (row: (string | null)[]) => row[place] ?? "–" }))}
    />
  );
}
