/** The result of a cell, as a table or a chart. */

import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { counted } from "../lab";
import { href } from "../router";
import { Button, Table, type Column } from "../ui";
import { ChartView } from "./chart_view";
import { firstChart, type ChartSettings } from "./figures";
import { bytes, count, csv, distinct, FEW_ROWS, isNumber, MOST_ROWS, sortKey, type Result } from "./run";

interface ResultsProps {
  result: Result;
  chart: ChartSettings | undefined;
  onChart: (settings: ChartSettings | undefined) => void;
}

export function Results({ result, chart, onChart }: ResultsProps): VNode {
  const columns = useMemo<Column<(string | null)[]>[]>(
    () => result.columns.map((column, place) => ({
      key: String(place),
      header: column.name,
      numeric: isNumber(column),
      render: (row) => row[place] ?? <span class="hint">null</span>,
      sortBy: (row) => sortKey(column, row[place] ?? null),
    })),
    [result],
  );
  return (
    <div class="results">
      <div class="card-head">
        <p role="status">
          {howMany(result)} · {bytes(result.scanned)} scanned · {result.milliseconds} ms
        </p>
        <div class="actions">
          <button type="button" class="button" aria-pressed={chart !== undefined} onClick={() => onChart(chart ? undefined : firstChart(result))}>
            Chart view
          </button>
          <Button onClick={() => download("result.csv", "text/csv", csv(result))}>Export CSV</Button>
          <Button onClick={() => download("result.json", "application/json", json(result))}>Export JSON</Button>
        </div>
      </div>
      {result.more && <Rest result={result} />}
      {chart
        ? <ChartView result={result} settings={chart} onChange={onChart} />
        : <Table key={result.id} label="Result" columns={columns} rows={result.rows} rowKey={(_, place) => String(place)} empty="The statement returned no rows." />}
    </div>
  );
}

function howMany({ rows, more, total }: Result): string {
  if (more) return `The first ${total === undefined ? "" : `${count(rows.length)} of `}${counted(total ?? rows.length, "row")}`;
  return counted(rows.length, "row");
}

/** Instructions for getting the rows that are not shown. */
function Rest({ result }: { result: Result }): VNode {
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(result.location ?? "") ?? [];
  return (
    <p class="hint">
      Tables, charts and exports contain only the rows shown.{" "}
      {result.rows.length <= FEW_ROWS && `For up to ${count(MOST_ROWS)} rows, turn off Limit 100 and run the cell again. `}
      {key && <>All rows are in <a href={href("/s3/:bucket/object", { bucket }, { key })}>Amazon S3</a>. </>}
      In a notebook, <code>zetl.query(lab, sql)</code> returns all rows.
    </p>
  );
}

function json({ columns, rows }: Result): string {
  const names = distinct(columns.map(({ name }) => name));
  return JSON.stringify(rows.map((row) => Object.fromEntries(names.map((name, place) => [name, row[place] ?? null]))), null, 2);
}

/** Save text as a file in the browser. */
export function download(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
