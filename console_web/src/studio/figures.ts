/** The charts of the chart view, and the plotly.js figures for them. */

import type { Figure } from "../ui";
import { isNumber, type Result } from "./run";

export const TYPES = ["Line", "Scatter", "Bar", "Area", "Histogram", "Pie", "Box", "Funnel"] as const;
export type TraceType = (typeof TYPES)[number];

export interface Trace {
  type: TraceType;
  x: string;
  y: string;
  values: string;
  labels: string;
  name: string;
  colour: string;
}

export interface ChartSettings {
  traces: Trace[];
  title: string;
  xTitle: string;
  yTitle: string;
  legend: boolean;
  stacked: boolean;
  /** The hole's share of the radius, from 0 to 0.9. A pie with a hole is a donut. */
  hole: number;
  note: string;
}

/** Return a new chart's first trace: a line of the first numeric column over the first column that is not numeric. */
export function firstTrace({ columns }: Result): Trace {
  const numbers = columns.filter(isNumber);
  const others = columns.filter((column) => !isNumber(column));
  const y = numbers[0]?.name ?? columns[0]?.name ?? "";
  const x = others[0]?.name ?? columns.find(({ name }) => name !== y)?.name ?? "";
  return { type: "Line", x, y, values: "", labels: "", name: "", colour: "" };
}

export function firstChart(result: Result): ChartSettings {
  return { traces: [firstTrace(result)], title: "", xTitle: "", yTitle: "", legend: true, stacked: false, hole: 0, note: "" };
}

/** The maximum number of marks that a browser can draw and a person can tell apart. Lines have no such limit. */
const MOST_MARKS: Partial<Record<TraceType, number>> = { Pie: 500, Funnel: 500, Bar: 5000, Scatter: 20_000 };

/** Return a message about missing fields or too many rows, or an empty string if the trace can be drawn. */
export function missing(trace: Trace, rows = 0): string {
  const most = MOST_MARKS[trace.type];
  if (most !== undefined && rows > most) {
    return `A ${trace.type.toLowerCase()} chart can show at most ${most} rows, and this result has ${rows} rows. Group or limit the rows in SQL, or choose Line.`;
  }
  if (trace.type === "Pie") return !trace.values ? "Choose Values, a column that contains numbers." : !trace.labels ? "Choose Labels, the column that names the slices." : "";
  if (trace.type === "Histogram" || trace.type === "Box") return trace.x || trace.y ? "" : "Choose X.";
  return !trace.x ? "Choose X." : !trace.y ? "Choose Y." : "";
}

function values(result: Result, name: string): (string | number | null)[] {
  const place = result.columns.findIndex((column) => column.name === name);
  const column = result.columns[place];
  if (!column) return [];
  const numeric = isNumber(column);
  return result.rows.map((row) => {
    const value = row[place] ?? null;
    return value !== null && numeric ? Number(value) : value;
  });
}

function drawn(trace: Trace, result: Result, settings: ChartSettings): Record<string, unknown> {
  const named = trace.name ? { name: trace.name } : { name: trace.y || trace.values || trace.x };
  const marker = trace.colour ? { marker: { color: trace.colour }, line: { color: trace.colour } } : {};
  const x = values(result, trace.x);
  const y = values(result, trace.y);
  switch (trace.type) {
    case "Pie":
      return { type: "pie", values: values(result, trace.values), labels: values(result, trace.labels), hole: settings.hole, ...named };
    case "Bar":
      return { type: "bar", x, y, ...named, ...marker };
    case "Area":
      return { type: "scatter", mode: "lines", fill: "tozeroy", x, y, ...named, ...marker };
    case "Scatter":
      return { type: "scatter", mode: "markers", x, y, ...named, ...marker };
    case "Histogram":
      return { type: "histogram", ...(trace.x ? { x } : { y }), ...named, ...marker };
    case "Box":
      return { type: "box", ...(trace.x ? { x } : {}), y, ...named, ...marker };
    case "Funnel":
      return { type: "funnel", x: y, y: x, ...named, ...(trace.colour ? { marker: { color: trace.colour } } : {}) };
    default:
      return { type: "scatter", mode: "lines", x, y, ...named, ...marker };
  }
}

/** Return a figure with the traces that can be drawn. */
export function figure(settings: ChartSettings, result: Result): Figure {
  const traces = settings.traces.filter((trace) => !missing(trace, result.rows.length));
  const [first] = traces;
  return {
    data: traces.map((trace) => drawn(trace, result, settings)),
    layout: {
      title: { text: settings.title },
      showlegend: settings.legend,
      barmode: settings.stacked ? "stack" : "group",
      xaxis: { title: { text: settings.xTitle || first?.x || "" }, automargin: true },
      yaxis: { title: { text: settings.yTitle || first?.y || "" }, automargin: true },
      annotations: settings.note
        ? [{ text: settings.note, xref: "paper", yref: "paper", x: 1, y: 1.08, showarrow: false, xanchor: "right" }]
        : [],
    },
  };
}

/** Describe a chart's contents in words. */
export function described(settings: ChartSettings, rows = 0): string {
  const parts = settings.traces.filter((trace) => !missing(trace, rows)).map((trace) =>
    trace.type === "Pie" ? `pie of ${trace.values} by ${trace.labels}` : `${trace.type.toLowerCase()} of ${trace.y || trace.x} by ${trace.x || trace.y}`);
  return `${settings.title || "Chart"}: ${parts.join(", ") || "nothing chosen yet"}`;
}
