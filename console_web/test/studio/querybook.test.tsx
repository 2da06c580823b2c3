import { fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, expect, it, vi } from "vitest";
import { QuerybookPage } from "../../src/studio/querybook";
import { serve } from "../backend";

afterEach(() => vi.unstubAllGlobals());

it("runs no further cells after a stop while rows are read", async () => {
  const start = vi.fn(() => ({ QueryExecutionId: "q1" }));
  let answer: ((page: unknown) => void) | undefined;
  serve({
    "lab": () => ({ database: "customerdb", bucket: "b", workgroup: "w" }),
    "glue.GetTables": () => ({ TableList: [] }),
    "querybooks/get": () => ({ id: "b1", name: "Churn", shared: false, cells: ["SELECT 1", "SELECT 2"].map((text) => ({ type: "sql", text })) }),
    "athena.StartQueryExecution": start,
    "athena.GetQueryExecution": () => ({ QueryExecution: { QueryExecutionId: "q1", StatementType: "DML", Status: { State: "SUCCEEDED" } } }),
    "athena.GetQueryResults": () => new Promise((resolve) => { answer = resolve; }),
    "athena.GetQueryRuntimeStatistics": () => ({ QueryRuntimeStatistics: {} }),
  });
  render(<QuerybookPage id="b1" query={new URLSearchParams()} />);
  fireEvent.click(await waitFor(() => screen.getByRole("button", { name: "Run all" })));
  await waitFor(() => expect(answer).toBeDefined());
  fireEvent.click(screen.getByRole("button", { name: "Stop" }));
  answer?.({ NextToken: "more", ResultSet: { Rows: [], ResultSetMetadata: { ColumnInfo: [{ Name: "id", Type: "integer" }] } } });
  await waitFor(() => expect(screen.getByRole("button", { name: "Stop" })).toHaveProperty("disabled", true));
  expect(start).toHaveBeenCalledOnce();
});
