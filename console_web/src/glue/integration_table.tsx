import type { VNode } from "preact";
import { useLoad, type Loaded } from "../hooks";
import { moment } from "../lab";
import { href } from "../router";
import { Status, Table, type Column } from "../ui";
import { integrationId, listIntegrations, nameOf, settling, type Integration } from "./model";

const SETTLING = 700;
const SETTLED = 3000;

/** Return the integrations, which are reloaded more often while the status of any integration is changing. */
export function useIntegrations(): Loaded<Integration[]> {
  return useLoad((again) => listIntegrations({ quiet: again }), [], {
    milliseconds: (found) => (settling(found) ? SETTLING : SETTLED), while: () => true,
  });
}

const COLUMNS: Column<Integration>[] = [
  {
    key: "name", header: "Integration name", sortBy: (each) => each.IntegrationName,
    render: (each) => <a href={href("/glue/zero-etl/:id", { id: integrationId(each) })}>{each.IntegrationName}</a>,
  },
  { key: "status", header: "Status", render: (each) => <IntegrationStatus integration={each} /> },
  { key: "source", header: "Source", render: (each) => nameOf(each.SourceArn) },
  { key: "target", header: "Target", render: (each) => nameOf(each.TargetArn) },
  { key: "created", header: "Created", render: (each) => moment(each.CreateTime), sortBy: (each) => each.CreateTime },
];

/** An integration's status, with its first error. */
export function IntegrationStatus({ integration }: { integration: Integration }): VNode {
  const [error] = integration.Errors ?? [];
  return (
    <>
      <Status value={integration.Status} text={sentence(integration.Status)} />
      {error && <div class="problem">{error.ErrorMessage ?? error.ErrorCode}</div>}
    </>
  );
}

/** Return a status as the console shows it, such as "Needs attention" for `NEEDS_ATTENTION`. */
export function sentence(status: string): string {
  const words = status.replaceAll("_", " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

interface IntegrationTableProps {
  integrations: Integration[];
  selected?: string[];
  onSelect?: (ids: string[]) => void;
}

export function IntegrationTable({ integrations, selected, onSelect }: IntegrationTableProps): VNode {
  return (
    <Table
      label="Zero-ETL integrations" columns={COLUMNS} rows={integrations} rowKey={integrationId}
      rowLabel={(each) => each.IntegrationName} empty="There are no zero-ETL integrations yet."
      {...(onSelect ? { select: "single" as const, selected: selected ?? [], onSelect } : {})}
    />
  );
}
