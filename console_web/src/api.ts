/** Calls to the console's backend, recorded for the "Same as" panel. */

export type ServiceName =
  | "athena" | "cloudwatch" | "datazone" | "dynamodb" | "glue" | "iam" | "kms" | "lakeformation" | "logs" | "s3" | "sts";

export type Params = Record<string, unknown>;

/** An error from AWS or from the console, with its code. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.code = code;
  }
}

/** The parts of a call that the "Same as" panel shows. */
export interface CallRecord {
  id: number;
  service: ServiceName;
  operation: string;
  boto3: string;
  cli: string;
  /** The equivalent helper call, such as `zetl.integration.create(lab)`. */
  helper?: string;
  /** The SQL of a query. */
  sql?: string;
  error?: string;
}

export interface CallOptions {
  helper?: string;
  sql?: string;
  /** Set for calls that are not recorded: repeated loads, and reads that only support the page. */
  quiet?: boolean;
  signal?: AbortSignal;
}

interface Same {
  boto3?: string;
  cli?: string;
}

const LIMIT = 50;
let records: CallRecord[] = [];
let last = 0;
const listeners = new Set<() => void>();

/** Return the recorded calls, newest first. */
export function calls(): CallRecord[] {
  return records;
}

/** Subscribe to recorded calls, and return a function that unsubscribes. */
export function onCalls(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function clearCalls(): void {
  records = [];
  listeners.forEach((listener) => listener());
}

function record(service: ServiceName, operation: string, same: Same, options: CallOptions, error?: string): void {
  if (options.quiet || !same.boto3 || !same.cli) return;
  const [newest] = records;
  // Reloading a list repeats the newest request, which does not need a second entry.
  const rest = newest?.boto3 === same.boto3 ? records.slice(1) : records;
  last += 1;
  const added: CallRecord = { id: last, service, operation, boto3: same.boto3, cli: same.cli };
  if (options.helper) added.helper = options.helper;
  if (options.sql) added.sql = options.sql;
  if (error) added.error = error;
  records = [added, ...rest].slice(0, LIMIT);
  listeners.forEach((listener) => listener());
}

interface Reply {
  status: number;
  document: unknown;
}

async function post(path: string, body: unknown, signal?: AbortSignal): Promise<Reply> {
  let response: Response;
  try {
    response = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Zetl-Console": "1" },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("ConsoleStopped", "The practice console has stopped. Start it again with: zetl console");
  }
  return { status: response.status, document: await response.json() };
}

function failure(document: unknown): ApiError {
  const { error } = document as { error?: { code: string; message: string } };
  return new ApiError(error?.code ?? "Unknown", error?.message ?? "The practice console gave no reason.");
}

/** Call one of the console's own endpoints, such as `status` or `parquet`. */
export async function ask<T>(path: string, body: Params = {}, signal?: AbortSignal): Promise<T> {
  const { status, document } = await post(path, body, signal);
  if (status !== 200) throw failure(document);
  return document as T;
}

/** Call an AWS operation on the local lakehouse, and record the call. */
export async function call<T>(
  service: ServiceName, operation: string, params: Params = {}, options: CallOptions = {},
): Promise<T> {
  const { status, document } = await post("call", { service, operation, params }, options.signal);
  const { answer, same = {} } = document as { answer?: T; same?: Same };
  if (status !== 200) {
    const error = failure(document);
    record(service, operation, same, options, error.code);
    throw error;
  }
  record(service, operation, same, options);
  return answer as T;
}

/** Call an operation once for each page, and return the items of all pages. */
export async function all<T>(
  service: ServiceName, operation: string, params: Params, items: string,
  token: { from: string; to: string } = { from: "NextToken", to: "NextToken" }, options: CallOptions = {},
): Promise<T[]> {
  const found: T[] = [];
  let next: Params = {};
  for (;;) {
    const page = await call<Record<string, unknown>>(service, operation, { ...params, ...next }, options);
    found.push(...((page[items] ?? []) as T[]));
    const following = page[token.from];
    if (following === undefined || following === null || following === "") return found;
    next = { [token.to]: following };
  }
}

/** Return the boto3 code and the AWS CLI command of a call without sending the call. */
export async function sameAs(service: ServiceName, operation: string, params: Params): Promise<{ boto3: string; cli: string }> {
  return ask("same", { service, operation, params });
}

/** The lab's names and tags, as in the lab that `zetl.connect()` returns. */
export interface LabNames {
  account: string; region: string; caller: string; prefix: string; table: string; database: string; target_table: string;
  bucket: string; role: string; integration: string; project: string; workgroup: string; table_arn: string;
  database_arn: string; role_arn: string; location: string;
  /** The tag that tells cleanup which resources belong to the lab. */
  tags: Record<string, string>;
}

let names: Promise<LabNames> | undefined;

/** Return the lab's names and tags, which are requested only once. */
export function lab(): Promise<LabNames> {
  names ??= ask<LabNames>("lab").catch((error: unknown) => {
    names = undefined;
    throw error;
  });
  return names;
}
