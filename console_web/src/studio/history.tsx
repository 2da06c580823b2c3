/** The query history of the workgroup. */

import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { call, lab as labNames } from "../api";
import { useLoad } from "../hooks";
import { href } from "../router";
import { Button, ButtonLink, Code, ErrorBox, KeyValues, Modal, Page, SelectField, Status, Table } from "../ui";
import { bytes, type Execution } from "./run";

const STATES: Record<string, string> = { SUCCEEDED: "Completed", FAILED: "Failed", CANCELLED: "Canceled", RUNNING: "Running", QUEUED: "Running" };
const SHOWN = ["Completed", "Failed", "Canceled", "Running"];
const RANGES = [{ value: "1", label: "Last hour" }, { value: "24", label: "Last 24 hours" }, { value: "168", label: "Last 7 days" }, { value: "", label: "Any time" }];
const BATCH = 50;
const MOST = 500;
const HOUR = 3_600_000;

async function load(): Promise<Execution[]> {
  const { workgroup } = await labNames();
  const ids: string[] = [];
  let token: string | undefined;
  do {
    const page = await call<{ QueryExecutionIds: string[]; NextToken?: string }>(
      "athena", "ListQueryExecutions", { WorkGroup: workgroup, ...(token ? { NextToken: token } : {}) },
      { helper: "zetl.lakehouse.query_history(lab)", quiet: token !== undefined },
    );
    ids.push(...page.QueryExecutionIds);
    token = page.NextToken;
  } while (token && ids.length < MOST);
  const found: Execution[] = [];
  for (let place = 0; place < ids.length; place += BATCH) {
    const { QueryExecutions } = await call<{ QueryExecutions: Execution[] }>(
      "athena", "BatchGetQueryExecution", { QueryExecutionIds: ids.slice(place, place + BATCH) }, { quiet: place > 0 },
    );
    found.push(...QueryExecutions);
  }
  return found.sort((a, b) => (b.Status.SubmissionDateTime ?? "").localeCompare(a.Status.SubmissionDateTime ?? ""));
}

function state(execution: Execution): string {
  return STATES[execution.Status.State] ?? execution.Status.State;
}

export function HistoryPage(): VNode {
  const found = useLoad(load, [], { milliseconds: 1000, while: (value) => value.some((each) => state(each) === "Running") });
  const [status, setStatus] = useState("");
  const [hours, setHours] = useState("24");
  const [open, setOpen] = useState<Execution | undefined>();
  const rows = useMemo(() => (found.value ?? []).filter((each) => {
    const age = Date.now() - Date.parse(each.Status.SubmissionDateTime ?? "");
    return (!status || state(each) === status) && (!hours || age <= Number(hours) * HOUR);
  }), [found.value, status, hours]);
  return (
    <Page title="Query history" crumbs={[{ title: "SageMaker Unified Studio", href: "#/studio" }]} actions={<Button onClick={found.reload} busy={found.loading}>Refresh</Button>}>
      <div class="row">
        <SelectField label="Status" value={status} onChange={setStatus} options={[{ value: "", label: "Any status" }, ...SHOWN.map((value) => ({ value, label: value }))]} />
        <SelectField label="Time range" value={hours} onChange={setHours} options={RANGES} />
      </div>
      <ErrorBox error={found.error} onRetry={found.reload} />
      <Table
        label="Queries" rows={rows} rowKey={(each) => each.QueryExecutionId} pageSize={25} find={({ Query }) => Query}
        empty={found.loading ? "Loading…" : "No queries match."}
        columns={[
          { key: "id", header: "Execution ID", render: (each) => <button type="button" class="plain" onClick={() => setOpen(each)}>{each.QueryExecutionId.slice(0, 8)}</button> },
          { key: "status", header: "Status", render: (each) => <Status value={state(each)} />, sortBy: state },
          { key: "duration", header: "Duration", numeric: true, render: (each) => `${each.Statistics?.TotalExecutionTimeInMillis ?? 0} ms`, sortBy: (each) => each.Statistics?.TotalExecutionTimeInMillis ?? 0 },
          { key: "sql", header: "SQL", render: ({ Query }) => <code>{Query.length > 120 ? `${Query.slice(0, 120)}…` : Query}</code> },
          { key: "start", header: "Start time", render: (each) => new Date(each.Status.SubmissionDateTime ?? "").toLocaleString(), sortBy: (each) => each.Status.SubmissionDateTime ?? "" },
          { key: "engine", header: "Engine", render: () => "Athena" },
        ]}
      />
      {open && <Detail execution={open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function Detail({ execution, onClose }: { execution: Execution; onClose: () => void }): VNode {
  const { Status: status, Statistics: statistics, ResultConfiguration: results } = execution;
  return (
    <Modal
      title="Query execution" wide onClose={onClose}
      footer={<ButtonLink href={href("/studio/query", {}, { sql: execution.Query })} primary>Open in query editor</ButtonLink>}
    >
      <Code text={execution.Query} label="SQL" />
      {status.StateChangeReason && <p class="problem">{status.StateChangeReason}</p>}
      <KeyValues
        items={[
          ["Execution ID", execution.QueryExecutionId], ["Status", <Status value={state(execution)} />],
          ["Start time", status.SubmissionDateTime], ["End time", status.CompletionDateTime],
          ["Duration", `${statistics?.TotalExecutionTimeInMillis ?? 0} ms`], ["Data scanned", bytes(statistics?.DataScannedInBytes ?? 0)],
          ["Database", execution.QueryExecutionContext?.Database], ["Workgroup", execution.WorkGroup],
          ["Engine version", execution.EngineVersion?.EffectiveEngineVersion], ["Results", results?.OutputLocation],
          ["Encryption", results?.EncryptionConfiguration?.EncryptionOption ?? "None"],
        ]}
      />
    </Modal>
  );
}
