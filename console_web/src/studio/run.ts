/** Execution of a querybook's statements with Athena. */

import { call, type LabNames } from "../api";
import type { Diagnostic, SortKey } from "../ui";

export interface ResultColumn {
  name: string;
  type: string;
}

export interface Result {
  id: string;
  columns: ResultColumn[];
  rows: (string | null)[][];
  /** Whether the result has more rows than those shown. */
  more: boolean;
  /** The total number of rows, if Athena reports it. */
  total?: number | undefined;
  /** The location to which Athena wrote all rows. */
  location?: string | undefined;
  scanned: number;
  milliseconds: number;
}

export interface Execution {
  QueryExecutionId: string;
  Query: string;
  StatementType?: string;
  WorkGroup?: string;
  Status: { State: string; StateChangeReason?: string; SubmissionDateTime?: string; CompletionDateTime?: string };
  Statistics?: { DataScannedInBytes?: number; TotalExecutionTimeInMillis?: number; EngineExecutionTimeInMillis?: number };
  EngineVersion?: { EffectiveEngineVersion?: string };
  ResultConfiguration?: { OutputLocation?: string; EncryptionConfiguration?: { EncryptionOption?: string } };
  QueryExecutionContext?: { Database?: string };
}

/** The maximum number of rows that the Studio shows, without and with "Limit 100". */
export const MOST_ROWS = 64_000;
export const FEW_ROWS = 100;
const PAGE = 1000;
const FIRST_LOOK = 20;
const LATER_LOOK = 250;

/**
 * Return the range in a cell's SQL that a message such as `line 2:8: …` refers to. The range ends with the word at that position.
 * The position is counted from the beginning of the statement, which is sent without the white space around it.
 */
export function placed(message: string, sql: string): Diagnostic[] {
  const found = /\bline (\d+):(\d+)\b/.exec(message);
  if (!found) return [];
  const lines = sql.trim().split("\n");
  const line = Math.min(Number(found[1]), lines.length);
  const start = sql.length - sql.trimStart().length;
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, start);
  const column = Math.min(Number(found[2]) - 1, Math.max(0, (lines[line - 1] ?? "").length - 1));
  const word = /^["\w.]+/.exec(sql.slice(before + column))?.[0].length ?? 1;
  return [{ from: before + column, to: before + column + word, message }];
}

export interface Run {
  /** The ID of the query execution while it runs. */
  id: string | undefined;
  stopped: boolean;
  /** Called with the number of rows read so far. */
  onRows?: (count: number) => void;
}

/** Run a statement, and return the rows to show. */
export async function run(sql: string, lab: LabNames, limit: number, state: Run): Promise<Result> {
  const statement = sql.trim().replace(/;\s*$/, "");
  const started = await call<{ QueryExecutionId: string }>("athena", "StartQueryExecution", {
    QueryString: statement,
    QueryExecutionContext: { Database: lab.database },
    ResultConfiguration: { OutputLocation: `s3://${lab.bucket}/athena-results/` },
    WorkGroup: lab.workgroup,
  }, { sql: statement, helper: `zetl.query(lab, ${pythonText(statement)})` });
  state.id = started.QueryExecutionId;
  if (state.stopped) await stop(state.id);
  const execution = await finished(state.id);
  state.id = undefined;
  if (execution.Status.State !== "SUCCEEDED") {
    throw new Error(execution.Status.State === "CANCELLED" ? "The query was stopped." : (execution.Status.StateChangeReason ?? ""));
  }
  return results(execution, limit, state);
}

const INVISIBLE = /[^\P{C}\n]/gu;

/** Return text as a Python literal, in triple quotes if possible, and with invisible characters escaped. */
export function pythonText(text: string): string {
  if (!/"$|"""|\\/.test(text) && text.search(INVISIBLE) < 0) return `"""${text}"""`;
  return JSON.stringify(text).replace(INVISIBLE, (letter) => {
    const code = (letter.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}

export async function stop(id: string): Promise<void> {
  await call("athena", "StopQueryExecution", { QueryExecutionId: id });
}

async function finished(id: string): Promise<Execution> {
  for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 1.5, LATER_LOOK)) {
    const { QueryExecution } = await call<{ QueryExecution: Execution }>(
      "athena", "GetQueryExecution", { QueryExecutionId: id }, { quiet: true },
    );
    if (!["QUEUED", "RUNNING"].includes(QueryExecution.Status.State)) return QueryExecution;
    await new Promise((resolve) => window.setTimeout(resolve, wait));
  }
}

interface ResultPage {
  NextToken?: string;
  ResultSet: {
    Rows: { Data: { VarCharValue?: string }[] }[];
    ResultSetMetadata: { ColumnInfo: { Name: string; Type: string }[] };
  };
}

async function results(execution: Execution, limit: number, state: Run): Promise<Result> {
  const rows: (string | null)[][] = [];
  let columns: ResultColumn[] = [];
  let token: string | undefined;
  // The first row of a SELECT result contains the column names.
  let header = execution.StatementType === "DML" ? 1 : 0;
  do {
    const page = await call<ResultPage>("athena", "GetQueryResults", {
      QueryExecutionId: execution.QueryExecutionId, MaxResults: Math.min(PAGE, limit + 1), ...(token ? { NextToken: token } : {}),
    }, { quiet: token !== undefined });
    columns = page.ResultSet.ResultSetMetadata.ColumnInfo.map(({ Name, Type }) => ({ name: Name, type: Type }));
    const found = page.ResultSet.Rows.slice(header).map(({ Data }) => Data.map(({ VarCharValue }) => VarCharValue ?? null));
    rows.push(...found);
    header = 0;
    token = page.NextToken;
    state.onRows?.(rows.length);
    // A stopped run keeps the rows that have been read.
  } while (token && rows.length < limit && !state.stopped);
  const more = rows.length > limit || Boolean(token);
  return {
    id: execution.QueryExecutionId,
    columns,
    rows: rows.slice(0, limit),
    more,
    total: more ? await total(execution.QueryExecutionId) : undefined,
    location: execution.ResultConfiguration?.OutputLocation,
    scanned: execution.Statistics?.DataScannedInBytes ?? 0,
    milliseconds: execution.Statistics?.TotalExecutionTimeInMillis ?? execution.Statistics?.EngineExecutionTimeInMillis ?? 0,
  };
}

async function total(id: string): Promise<number | undefined> {
  const { QueryRuntimeStatistics: statistics } = await call<{ QueryRuntimeStatistics: { Rows?: { OutputRows?: number } } }>(
    "athena", "GetQueryRuntimeStatistics", { QueryExecutionId: id }, { quiet: true },
  );
  return statistics.Rows?.OutputRows;
}

const FLOATS = /^(float|real|double)\b/;
const NUMBERS = /^(tinyint|smallint|integer|int|bigint|float|real|double|decimal)\b/;

export function isNumber(column: ResultColumn): boolean {
  return NUMBERS.test(column.type);
}

/** Return a value's sort key. NULL precedes all values, and NaN follows all other numbers. */
export function sortKey(column: ResultColumn, value: string | null): SortKey {
  if (value === null) return Number.NEGATIVE_INFINITY;
  if (!isNumber(column) || value === "NaN") return value;
  // All decimals of a column have the same number of digits after the point.
  return FLOATS.test(column.type) ? Number(value) : BigInt(value.replace(".", ""));
}

/** Return names in which a number distinguishes repeated names: `id`, `id_2`. */
export function distinct(names: string[]): string[] {
  const taken = new Set(names);
  return names.map((name, place) => {
    if (names.indexOf(name) === place) return name;
    let number = 2;
    while (taken.has(`${name}_${number}`)) number += 1;
    taken.add(`${name}_${number}`);
    return `${name}_${number}`;
  });
}

/** Return rows as CSV, with the column names in the first line. */
export function csv({ columns, rows }: Result): string {
  const cell = (value: string | null): string => (value === null ? "" : `"${value.replaceAll('"', '""')}"`);
  return [columns.map(({ name }) => cell(name)), ...rows.map((row) => row.map(cell))].map((line) => `${line.join(",")}\n`).join("");
}

export function bytes(count: number): string {
  for (const [unit, size] of [["GB", 2 ** 30], ["MB", 2 ** 20], ["KB", 2 ** 10]] as const) {
    if (count >= size) return `${(count / size).toFixed(2)} ${unit}`;
  }
  return `${count} bytes`;
}

/** Return a number with thousands separators. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
