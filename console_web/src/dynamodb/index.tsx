import type { NavEntry, Route } from "../router";
import { CreateTablePage } from "./create_table";
import { IntegrationsPage } from "./integrations";
import { ItemsPage } from "./items";
import { TablePage } from "./table";
import { TablesPage } from "./tables";

export const nav: NavEntry[] = [
  { title: "Tables", path: "/dynamodb/tables" },
  { title: "Create table", path: "/dynamodb/create-table" },
  { title: "Explore items", path: "/dynamodb/items" },
  { title: "Integrations", path: "/dynamodb/integrations" },
];

export const routes: Route[] = [
  { path: "/dynamodb", title: "Tables", render: () => <TablesPage /> },
  { path: "/dynamodb/tables", title: "Tables", render: () => <TablesPage /> },
  { path: "/dynamodb/create-table", title: "Create table", render: () => <CreateTablePage /> },
  { path: "/dynamodb/tables/:table", title: "Table", render: ({ table = "" }, query) => <TablePage name={table} tab={query.get("tab") ?? "overview"} /> },
  { path: "/dynamodb/items", title: "Explore items", render: () => <ItemsPage name="" /> },
  { path: "/dynamodb/items/:table", title: "Explore items", render: ({ table = "" }) => <ItemsPage name={table} /> },
  { path: "/dynamodb/integrations", title: "Integrations", render: () => <IntegrationsPage /> },
];
