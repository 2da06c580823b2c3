import type { NavEntry, Route } from "../router";
import { CatalogSettingsPage } from "./catalog_settings";
import { DatabasePage } from "./database";
import { CreateDatabasePage, DatabasesPage } from "./databases";
import { IntegrationPage } from "./integration";
import { IntegrationsPage } from "./integrations";
import { TablePage } from "./table";
import { CreateIntegrationPage } from "./wizard";

export const nav: NavEntry[] = [
  { title: "Zero-ETL integrations", path: "/glue/zero-etl" },
  { title: "Databases", path: "/glue/databases" },
  { title: "Catalog settings", path: "/glue/catalog-settings" },
];

export const routes: Route[] = [
  { path: "/glue", title: "Zero-ETL integrations", render: () => <IntegrationsPage /> },
  { path: "/glue/zero-etl", title: "Zero-ETL integrations", render: () => <IntegrationsPage /> },
  { path: "/glue/zero-etl/create", title: "Create zero-ETL integration", render: () => <CreateIntegrationPage /> },
  { path: "/glue/zero-etl/:id", title: "Integration", render: ({ id = "" }, query) => <IntegrationPage id={id} tab={query.get("tab") ?? "details"} /> },
  { path: "/glue/databases", title: "Databases", render: () => <DatabasesPage /> },
  { path: "/glue/create-database", title: "Create database", render: () => <CreateDatabasePage /> },
  { path: "/glue/databases/:database", title: "Database", render: ({ database = "" }) => <DatabasePage name={database} /> },
  { path: "/glue/databases/:database/tables/:table", title: "Table", render: ({ database = "", table = "" }, query) => <TablePage database={database} name={table} tab={query.get("tab") ?? "schema"} /> },
  { path: "/glue/catalog-settings", title: "Catalog settings", render: () => <CatalogSettingsPage /> },
];
