/** Metrics of zero-ETL integrations in CloudWatch. */

import { all, call, type Params } from "../api";

export const NAMESPACE = "AWS/Glue/ZeroETL";

export interface Dimension {
  Name: string;
  Value: string;
}

export interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions: Dimension[];
}

export interface Series {
  metric: Metric;
  times: string[];
  values: number[];
}

/** Return the metrics with their dimensions. CloudWatch returns data only for a metric's complete set of dimensions. */
export function listMetrics(filter: Params = {}): Promise<Metric[]> {
  return all<Metric>("cloudwatch", "ListMetrics", { Namespace: NAMESPACE, ...filter }, "Metrics", undefined, { quiet: true });
}

export function dimension(metric: Metric, name: string): string {
  return metric.Dimensions.find((each) => each.Name === name)?.Value ?? "";
}

export async function series(metrics: Metric[], hours: number, quiet = false): Promise<Series[]> {
  if (metrics.length === 0) return [];
  const now = Date.now();
  const found = await call<{ MetricDataResults: { Id: string; Timestamps: string[]; Values: number[] }[] }>(
    "cloudwatch", "GetMetricData",
    {
      StartTime: new Date(now - hours * 3600_000).toISOString(), EndTime: new Date(now + 60_000).toISOString(), ScanBy: "TimestampAscending",
      MetricDataQueries: metrics.map((Metric, place) => ({
        Id: `m${place}`, MetricStat: { Metric, Period: 60, Stat: Metric.MetricName === "LastSyncTimestamp" ? "Maximum" : "Sum" },
      })),
    },
    { quiet, helper: "zetl.monitoring.metrics(lab)" },
  );
  return metrics.map((metric, place) => {
    const result = found.MetricDataResults.find((each) => each.Id === `m${place}`);
    return { metric, times: result?.Timestamps ?? [], values: result?.Values ?? [] };
  });
}
