import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { calls, clearCalls, onCalls, type CallRecord } from "../api";
import { Button } from "./button";
import { Code } from "./code";
import { Tabs, type Tab } from "./tabs";

/** The calls behind the clicks as boto3 code, AWS CLI commands, helper calls and SQL, ready to copy. */
export function SameAs(): VNode {
  const [records, setRecords] = useState<CallRecord[]>(calls);
  const [chosen, setChosen] = useState<number | undefined>();
  useEffect(() => onCalls(() => setRecords(calls())), []);
  const record = records.find(({ id }) => id === chosen) ?? records[0];
  return (
    <aside class="same-as" aria-label="Same as">
      <details>
        <summary>Same as: the calls behind your clicks{record ? ` (${records.length})` : ""}</summary>
        {record ? (
          <>
            <div class="same-as-list">
              <label for="same-as-call">Call</label>
              <select
                id="same-as-call" value={record.id}
                onChange={(event) => setChosen(Number(event.currentTarget.value) === records[0]?.id ? undefined : Number(event.currentTarget.value))}
              >
                {records.map((each) => (
                  <option key={each.id} value={each.id}>{each.service}.{each.operation}{each.error ? ` · ${each.error}` : ""}</option>
                ))}
              </select>
              <Button onClick={clearCalls}>Clear</Button>
            </div>
            <Tabs label="Same as" tabs={languages(record)} />
          </>
        ) : <p class="hint">The AWS API calls behind your clicks are listed here.</p>}
      </details>
    </aside>
  );
}

function languages(record: CallRecord): Tab[] {
  const tabs: Tab[] = [
    { id: "boto3", title: "boto3", render: () => <Code text={record.boto3} label="boto3 code" /> },
    { id: "cli", title: "AWS CLI", render: () => <Code text={record.cli} label="AWS CLI command" /> },
  ];
  const { helper, sql } = record;
  if (helper) tabs.push({ id: "helper", title: "Helper", render: () => <Code text={helper} label="helper" /> });
  if (sql) tabs.push({ id: "sql", title: "SQL", render: () => <Code text={sql} label="SQL" /> });
  return tabs;
}
