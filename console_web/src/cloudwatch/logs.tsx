import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { all, ApiError } from "../api";
import { useLoad } from "../hooks";
import { bytes, moment } from "../lab";
import { href } from "../router";
import { Button, ErrorBox, Loading, Page, Table, TextField, type Column } from "../ui";

interface Group {
  logGroupName: string;
  storedBytes?: number;
  creationTime?: number;
}

export interface LogEvent {
  timestamp: number;
  message: string;
  logStreamName: string;
  eventId: string;
}

const TOKEN = { from: "nextToken", to: "nextToken" };

const GROUPS: Column<Group>[] = [
  { key: "name", header: "Log group", sortBy: (each) => each.logGroupName, render: (each) => <a href={href("/cloudwatch/logs/:group", { group: each.logGroupName })}>{each.logGroupName}</a> },
  { key: "size", header: "Stored bytes", numeric: true, render: (each) => bytes(each.storedBytes ?? 0) },
  { key: "created", header: "Created", render: (each) => moment(each.creationTime) },
];

export function LogGroupsPage(): VNode {
  const groups = useLoad(() => all<Group>("logs", "DescribeLogGroups", {}, "logGroups", TOKEN), []);
  return (
    <Page title="Log groups" actions={<Button onClick={groups.reload} label="Refresh log groups">Refresh</Button>}>
      <ErrorBox error={groups.error} onRetry={groups.reload} />
      {groups.value ? (
        <Table label="Log groups" columns={GROUPS} rows={groups.value} rowKey={(each) => each.logGroupName} find={(each) => each.logGroupName} pageSize={50} empty="There are no log groups yet. An integration creates one when it writes its first event." />
      ) : !groups.error && <Loading what="log groups" />}
    </Page>
  );
}

const EVENTS: Column<LogEvent>[] = [
  { key: "time", header: "Timestamp", render: (each) => moment(each.timestamp), sortBy: (each) => each.timestamp },
  { key: "stream", header: "Log stream", render: (each) => each.logStreamName, sortBy: (each) => each.logStreamName },
  { key: "message", header: "Message", render: (each) => <code>{each.message}</code> },
];

/** Return the events of a log group, newest first. If `streams` is given, return only the events of these streams. */
export async function events(group: string, pattern: string, streams?: string[], quiet = false): Promise<LogEvent[]> {
  const found = await all<LogEvent>(
    "logs", "FilterLogEvents",
    { logGroupName: group, ...(pattern ? { filterPattern: pattern } : {}), ...(streams ? { logStreamNames: streams } : {}) },
    "events", TOKEN, { quiet, helper: "zetl.monitoring.log_events(lab)" },
  );
  return found.sort((a, b) => b.timestamp - a.timestamp);
}

export function LogGroupPage({ name }: { name: string }): VNode {
  const [pattern, setPattern] = useState("");
  const [asked, setAsked] = useState("");
  const found = useLoad(() => events(name, asked), [name, asked]);
  return (
    <Page title={name} crumbs={[{ title: "Log groups", href: "#/cloudwatch/logs" }]}>
      <form class="row" onSubmit={(event) => { event.preventDefault(); setAsked(pattern); found.reload(); }}>
        <TextField label="Filter pattern" value={pattern} onChange={setPattern} placeholder='{ $.messageType = "IngestionCompleted" }' />
        <p><Button type="submit">Filter events</Button></p>
      </form>
      <ErrorBox error={found.error} onRetry={found.reload} />
      {found.value ? <Table label="Log events" columns={EVENTS} rows={found.value} rowKey={(each) => each.eventId} pageSize={100} empty="There are no events." /> : !found.error && <Loading what="events" />}
    </Page>
  );
}

/** Return an integration's events, newest first. AWS documents three names for the log group, so this function searches all three. */
export async function integrationEvents(id: string, quiet: boolean): Promise<LogEvent[]> {
  const prefix = "/aws-glue/zeroETL-integrations/logs";
  const groups = await all<Group>("logs", "DescribeLogGroups", { logGroupNamePrefix: prefix }, "logGroups", TOKEN, { quiet });
  const lists = await Promise.all(groups.map(async ({ logGroupName }) => {
    if (![prefix, `${prefix}/`, `${prefix}/${id}`].includes(logGroupName)) return [];
    try {
      return await events(logGroupName, "", logGroupName.endsWith(id) ? undefined : [id], quiet);
    } catch (error) {
      // The group exists, but has no stream for this integration.
      if (error instanceof ApiError && error.code === "ResourceNotFoundException") return [];
      throw error;
    }
  }));
  return lists.flat().sort((a, b) => b.timestamp - a.timestamp);
}

