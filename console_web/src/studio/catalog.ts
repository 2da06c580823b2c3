/** The Data Catalog's databases, tables and columns, as the Studio shows them. */

import { all, call } from "../api";

export interface CatalogColumn {
  Name: string;
  Type?: string;
  Comment?: string;
}

export interface CatalogTable {
  Name: string;
  DatabaseName: string;
  TableType?: string;
  Parameters?: Record<string, string>;
  StorageDescriptor?: { Columns?: CatalogColumn[]; Location?: string };
  PartitionKeys?: CatalogColumn[];
  UpdateTime?: string;
}

export async function databases(): Promise<string[]> {
  const found = await all<{ Name: string }>("glue", "GetDatabases", {}, "DatabaseList");
  return found.map(({ Name }) => Name);
}

export function tables(database: string): Promise<CatalogTable[]> {
  return all<CatalogTable>("glue", "GetTables", { DatabaseName: database }, "TableList");
}

export async function table(database: string, name: string): Promise<CatalogTable> {
  const { Table } = await call<{ Table: CatalogTable }>("glue", "GetTable", { DatabaseName: database, Name: name });
  return Table;
}

export function columns(found: CatalogTable): CatalogColumn[] {
  return [...(found.StorageDescriptor?.Columns ?? []), ...(found.PartitionKeys ?? [])];
}

/** Return names for completion: each table with and without its database. */
export async function schema(database: string): Promise<Record<string, string[]>> {
  const known: Record<string, string[]> = {};
  for (const name of await databases()) {
    for (const found of await tables(name)) {
      const names = columns(found).map((column) => column.Name);
      known[`${name}.${found.Name}`] = names;
      if (name === database) known[found.Name] = names;
    }
  }
  return known;
}

/** Quote a name for a SELECT statement in Athena. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function sample(database: string, name: string): string {
  return `SELECT *\nFROM "awsdatacatalog".${quoted(database)}.${quoted(name)}\nLIMIT 10`;
}
