import type { VNode } from "preact";
import { Page } from "../ui";
import { MetricGraphs } from "./graphs";
import { NAMESPACE } from "./metrics";

export function MetricsPage(): VNode {
  return (
    <Page title="Metrics">
      <p>Namespace <code>{NAMESPACE}</code>: all zero-ETL integrations in the account.</p>
      <MetricGraphs />
    </Page>
  );
}
