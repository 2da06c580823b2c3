/** AWS Glue integrations, databases and tables, as the AWS Glue API returns them. */

import { all, ApiError, call, type CallOptions, type Params } from "../api";

export interface Integration {
  IntegrationArn: string;
  IntegrationName: string;
  Description?: string;
  SourceArn: string;
  TargetArn: string;
  Status: string;
  CreateTime: string;
  KmsKeyId?: string;
  Errors?: { ErrorCode?: string; ErrorMessage?: string }[];
  IntegrationConfig?: { RefreshInterval?: string };
}

export interface Database {
  Name: string;
  Description?: string;
  LocationUri?: string;
  CreateTime?: string;
  CatalogId?: string;
}

export interface TableColumn {
  Name: string;
  Type?: string;
  Comment?: string;
  Parameters?: Record<string, string>;
}

export interface GlueTable {
  Name: string;
  DatabaseName: string;
  TableType?: string;
  CreateTime?: string;
  UpdateTime?: string;
  VersionId?: string;
  Parameters?: Record<string, string>;
  PartitionKeys?: TableColumn[];
  StorageDescriptor?: { Columns?: TableColumn[]; Location?: string };
}

const MARKER = { from: "Marker", to: "Marker" };
const SETTLED = new Set(["ACTIVE", "FAILED", "NEEDS_ATTENTION"]);

/** Return whether the status of any integration is still changing. */
export function settling(integrations: Integration[]): boolean {
  return integrations.some((each) => !SETTLED.has(each.Status));
}

export function listIntegrations(options: CallOptions = {}): Promise<Integration[]> {
  return all<Integration>("glue", "DescribeIntegrations", {}, "Integrations", MARKER, { helper: "zetl.integration.describe(lab)", ...options });
}

export async function findIntegration(id: string, options: CallOptions = {}): Promise<Integration> {
  const found = (await listIntegrations(options)).find((each) => integrationId(each) === id);
  if (!found) throw new ApiError("IntegrationNotFound", "This integration no longer exists.");
  return found;
}

/** Return the last part of an integration's ARN, which is also the name of its log stream. */
export function integrationId(integration: Integration): string {
  return integration.IntegrationArn.split(/[:/]/).pop() ?? "";
}

/** Return the last part of an ARN, such as a table's name. */
export function nameOf(arn: string): string {
  return arn.split("/").pop() ?? arn;
}

export function listDatabases(options: CallOptions = {}): Promise<Database[]> {
  return all<Database>("glue", "GetDatabases", {}, "DatabaseList", undefined, options);
}

export function listTables(database: string, options: CallOptions = {}): Promise<GlueTable[]> {
  return all<GlueTable>("glue", "GetTables", { DatabaseName: database }, "TableList", undefined, options);
}

/** Return a response, or undefined if AWS reports that the resource does not exist. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  const gone = ["EntityNotFoundException", "ResourceNotFoundException", "IntegrationNotFoundFault", "PolicyNotFoundException"];
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && gone.includes(error.code)) return undefined;
    throw error;
  }
}

/** Create an integration's resource property or table properties, or change them if they already exist. */
export async function put(name: "IntegrationResourceProperty" | "IntegrationTableProperties", key: Params, value: Params, extra: Params, helper: string): Promise<void> {
  const found = await ifThere(call("glue", `Get${name}`, key, { quiet: true }));
  if (found) await call("glue", `Update${name}`, { ...key, ...value }, { helper });
  else await call("glue", `Create${name}`, { ...key, ...value, ...extra }, { helper });
}
