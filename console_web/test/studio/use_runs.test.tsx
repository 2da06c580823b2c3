import { act, renderHook, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../src/api";
import { useRuns } from "../../src/studio/use_runs";
import { serve } from "../backend";

const LAB = { database: "customerdb", bucket: "b", workgroup: "w" };
const COLUMNS = { ColumnInfo: [{ Name: "id", Type: "integer" }] };
const SUCCEEDED = { QueryExecution: { QueryExecutionId: "q1", StatementType: "DML", Status: { State: "SUCCEEDED" } } };

/** Return the message that Athena reports for the word `wrong`, counted from the beginning of the statement without white space around it. */
function message(statement: unknown): string {
  const lines = String(statement).trim().split("\n");
  const line = lines.findIndex((text) => text.includes("wrong"));
  return `line ${line + 1}:${(lines[line] ?? "").indexOf("wrong") + 1}: Column 'wrong' cannot be resolved`;
}

afterEach(() => vi.unstubAllGlobals());

describe("a run", () => {
  it("that is stopped while its rows are read keeps these rows, and does not count as successful", async () => {
    let page: ((answer: unknown) => void) | undefined;
    serve({
      "lab": () => LAB,
      "athena.StartQueryExecution": () => ({ QueryExecutionId: "q1" }),
      "athena.GetQueryExecution": () => SUCCEEDED,
      "athena.GetQueryResults": () => new Promise((resolve) => { page = resolve; }),
      "athena.GetQueryRuntimeStatistics": () => ({ QueryRuntimeStatistics: {} }),
    });
    const { result } = renderHook(useRuns);
    let succeeded: Promise<boolean> = Promise.resolve(true);
    void act(() => { succeeded = result.current.run("a", "SELECT id FROM t", 64_000); });
    await waitFor(() => expect(page).toBeDefined());
    await act(() => result.current.stop("a"));
    page?.({ NextToken: "more", ResultSet: { Rows: [{ Data: [{ VarCharValue: "id" }] }, { Data: [{ VarCharValue: "7" }] }], ResultSetMetadata: COLUMNS } });
    expect(await succeeded).toBe(false);
    await waitFor(() => expect(result.current.of("a")).toMatchObject({ running: false, result: { rows: [["7"]], more: true } }));
  });

  it("that is not stopped counts as successful", async () => {
    serve({
      "lab": () => LAB,
      "athena.StartQueryExecution": () => ({ QueryExecutionId: "q1" }),
      "athena.GetQueryExecution": () => SUCCEEDED,
      "athena.GetQueryResults": () => ({ ResultSet: { Rows: [], ResultSetMetadata: COLUMNS } }),
    });
    const { result } = renderHook(useRuns);
    let succeeded = false;
    await act(async () => { succeeded = await result.current.run("a", "SELECT id FROM t", 100); });
    expect(succeeded).toBe(true);
  });
});

describe("the position of an error", () => {
  const SQL = ["SELECT wrong FROM t", "\n\n  SELECT 1,\n    wrong\nFROM t;\n", "-- A comment\n\nSELECT wrong"];
  let sent: unknown;

  beforeEach(() => { sent = undefined; });

  const marked = async (sql: string): Promise<string> => {
    const { result } = renderHook(useRuns);
    await act(async () => { await result.current.run("a", sql, 100); });
    const [found] = result.current.of("a").diagnostics;
    return sql.slice(found?.from, found?.to);
  };

  it.each(SQL)("is right for a statement that fails: %j", async (sql) => {
    serve({
      "lab": () => LAB,
      "athena.StartQueryExecution": ({ QueryString }) => {
        sent = QueryString;
        return { QueryExecutionId: "q1" };
      },
      "athena.GetQueryExecution": () => ({ QueryExecution: { Status: { State: "FAILED", StateChangeReason: message(sent) } } }),
    });
    expect(await marked(sql)).toBe("wrong");
  });

  it.each(SQL)("is right for a statement that Athena rejects: %j", async (sql) => {
    serve({
      "lab": () => LAB,
      "athena.StartQueryExecution": ({ QueryString }) => { throw new ApiError("InvalidRequestException", message(QueryString)); },
    });
    expect(await marked(sql)).toBe("wrong");
  });
});
