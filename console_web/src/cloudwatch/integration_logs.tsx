import type { VNode } from "preact";
import { useLoad } from "../hooks";
import { moment } from "../lab";
import { ErrorBox, Loading, Section, Table, type Column } from "../ui";
import { integrationEvents, type LogEvent } from "./logs";

interface Told {
  messageType?: string;
  details?: {
    tableName?: string;
    insert_count?: number;
    update_count?: number;
    delete_count?: number;
    message?: string;
    errorMessage?: string;
  };
}

function told(event: LogEvent): Told {
  try {
    return JSON.parse(event.message) as Told;
  } catch {
    return { details: { message: event.message } };
  }
}

const COLUMNS: Column<LogEvent>[] = [
  { key: "time", header: "Time", render: (each) => moment(each.timestamp), sortBy: (each) => each.timestamp },
  { key: "type", header: "Message type", render: (each) => told(each).messageType ?? "–", sortBy: (each) => told(each).messageType ?? "" },
  { key: "table", header: "Table", render: (each) => told(each).details?.tableName ?? "–" },
  { key: "inserts", header: "Inserts", numeric: true, render: (each) => told(each).details?.insert_count ?? "–" },
  { key: "updates", header: "Updates", numeric: true, render: (each) => told(each).details?.update_count ?? "–" },
  { key: "deletes", header: "Deletes", numeric: true, render: (each) => told(each).details?.delete_count ?? "–" },
  { key: "message", header: "Message", render: (each) => told(each).details?.message ?? told(each).details?.errorMessage ?? "–" },
];

/** A table of an integration's log events. */
export function IntegrationLogs({ id }: { id: string }): VNode {
  const events = useLoad((again) => integrationEvents(id, again), [id], { milliseconds: 3000, while: () => true });
  return (
    <Section title="Log events">
      <ErrorBox error={events.error} onRetry={events.reload} />
      {events.value
        ? <Table label="Log events" columns={COLUMNS} rows={events.value} rowKey={(each) => each.eventId} pageSize={50} empty="The integration has not logged any events yet." />
        : !events.error && <Loading what="log events" />}
    </Section>
  );
}
