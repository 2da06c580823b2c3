import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useLoad } from "../hooks";
import { Chart, Empty, ErrorBox, Loading, Section, SelectField, Table, type Column, type Figure } from "../ui";
import { dimension, listMetrics, series, type Series } from "./metrics";

const HOURS = [{ value: "1", label: "1 hour" }, { value: "3", label: "3 hours" }, { value: "24", label: "1 day" }, { value: "168", label: "1 week" }];
const SYMBOLS = ["circle", "square", "diamond", "x", "triangle-up", "star"];

const COLUMNS: Column<Series>[] = [
  { key: "metric", header: "Metric", render: (each) => each.metric.MetricName, sortBy: (each) => each.metric.MetricName },
  { key: "load", header: "loadType", render: (each) => dimension(each.metric, "loadType") },
  { key: "points", header: "Data points", numeric: true, render: (each) => each.values.length },
  {
    key: "sum", header: "Sum", numeric: true,
    render: (each) => (each.metric.MetricName === "LastSyncTimestamp"
      ? new Date(Math.max(...each.values)).toLocaleString()
      : each.values.reduce((sum, value) => sum + value, 0)),
  },
];

function figure(list: Series[]): Figure {
  return {
    data: list.map((each, place) => ({
      type: "scatter", mode: "lines+markers", x: each.times, y: each.values, marker: { symbol: SYMBOLS[place % SYMBOLS.length] },
      name: [each.metric.MetricName, dimension(each.metric, "loadType")].filter(Boolean).join(" · "),
    })),
    layout: { showlegend: true, legend: { orientation: "h", y: -0.2 }, yaxis: { rangemode: "tozero" } },
  };
}

/** Graphs of metrics, for one integration or for all integrations. */
export function MetricGraphs({ arn }: { arn?: string }): VNode {
  const [hours, setHours] = useState("3");
  const found = useLoad(async (again) => {
    const metrics = await listMetrics(arn ? { Dimensions: [{ Name: "integrationArn", Value: arn }] } : {});
    return series(metrics, Number(hours), again);
  }, [arn, hours], { milliseconds: 5000, while: () => true });
  const key = JSON.stringify(found.value);
  const counts = useMemo(() => (found.value ?? []).filter((each) => each.metric.MetricName !== "LastSyncTimestamp" && each.values.length > 0), [key]);
  const drawn = useMemo(() => figure(counts), [counts]);
  return (
    <Section title="Metrics">
      <SelectField label="Time range" value={hours} onChange={setHours} options={HOURS} />
      <ErrorBox error={found.error} onRetry={found.reload} />
      {!found.value && !found.error && <Loading what="metrics" />}
      {found.value?.length === 0 && <Empty>There are no metrics yet. The first ingestion creates them.</Empty>}
      {counts.length > 0 && <Chart figure={drawn} label="Rows and ingestions over time. The table below lists the values." />}
      {(found.value?.length ?? 0) > 0 && (
        <Table label="Metrics" columns={COLUMNS} rows={(found.value ?? []).filter((each) => each.values.length > 0)} rowKey={(each) => JSON.stringify(each.metric)} empty="No data in this time range." />
      )}
    </Section>
  );
}
