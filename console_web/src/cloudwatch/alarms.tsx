import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { all, call, type LabNames, type Params } from "../api";
import { listIntegrations, nameOf, type Integration } from "../glue/model";
import { useAction, useLoad } from "../hooks";
import { moment, TagsNote, tagList, useLab } from "../lab";
import { Button, ConfirmDialog, ErrorBox, Loading, Modal, Page, SelectField, Status, Table, TextField, useFlash, type Column } from "../ui";
import { NAMESPACE } from "./metrics";

interface Alarm {
  AlarmName: string;
  StateValue: string;
  StateReason?: string;
  StateUpdatedTimestamp?: string;
}

const COLUMNS: Column<Alarm>[] = [
  { key: "AlarmName", header: "Name", sortBy: (each) => each.AlarmName },
  { key: "state", header: "State", render: (each) => <Status value={each.StateValue} /> },
  { key: "reason", header: "Reason", render: (each) => each.StateReason ?? "–" },
  { key: "updated", header: "Last state update", render: (each) => moment(each.StateUpdatedTimestamp) },
];

export function AlarmsPage(): VNode {
  const alarms = useLoad(
    (again) => all<Alarm>("cloudwatch", "DescribeAlarms", {}, "MetricAlarms", undefined, { quiet: again, helper: "zetl.monitoring.alarm_state(lab)" }), [],
    { milliseconds: 3000, while: () => true },
  );
  const [selected, setSelected] = useState<string[]>([]);
  const [dialog, setDialog] = useState<"" | "create" | "delete">("");
  const action = useAction();
  const flash = useFlash();
  const [name = ""] = selected;
  const close = (): void => {
    setDialog("");
    action.clear();
  };
  const remove = async (): Promise<void> => {
    await call("cloudwatch", "DeleteAlarms", { AlarmNames: [name] });
    flash("success", `Alarm ${name} was deleted.`);
    setSelected([]);
    close();
    alarms.reload();
  };
  return (
    <Page
      title="Alarms"
      actions={
        <>
          <Button disabled={!name} onClick={() => setDialog("delete")}>Delete</Button>
          <Button primary onClick={() => setDialog("create")}>Create alarm</Button>
        </>
      }
    >
      <ErrorBox error={alarms.error} onRetry={alarms.reload} />
      {alarms.value
        ? <Table label="Alarms" columns={COLUMNS} rows={alarms.value} rowKey={(each) => each.AlarmName} select="single" selected={selected} onSelect={setSelected} empty="There are no alarms yet." />
        : !alarms.error && <Loading what="alarms" />}
      {dialog === "create" && <CreateAlarm onClose={close} onCreated={(created) => { flash("success", `Alarm ${created} was created.`); close(); alarms.reload(); }} />}
      {dialog === "delete" && (
        <ConfirmDialog title={`Delete alarm ${name}`} word="confirm" action="Delete" busy={action.busy} error={action.error} onConfirm={() => void action.run(remove)} onClose={close}>
          <p>This deletes the alarm. The metric that it watches is kept.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

const LOAD_TYPES = ["FULL_LOAD", "INCREMENTAL_LOAD"];
const PERIOD = 900;

/** Return the parameters of an alarm on failed ingestions. Each load type is a separate series, which has data points only for failures. */
export function alarmOf(name: string, integration: Integration, table: string, names: LabNames): Params {
  const failed = LOAD_TYPES.map((kind, place) => ({
    Id: `failed${place}`, ReturnData: false,
    MetricStat: {
      Metric: {
        Namespace: NAMESPACE, MetricName: "IngestionFailed",
        Dimensions: [
          { Name: "integrationArn", Value: integration.IntegrationArn }, { Name: "loadType", Value: kind }, { Name: "tableName", Value: table },
        ],
      },
      Period: PERIOD, Stat: "Sum",
    },
  }));
  const filled = failed.map((each) => `FILL(${each.Id}, 0)`).join(", ");
  return {
    AlarmName: name, AlarmDescription: "An ingestion of the zero-ETL integration failed",
    Metrics: [...failed, { Id: "failures", Expression: `SUM([${filled}])`, Label: "Failed ingestions", ReturnData: true }],
    EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold", TreatMissingData: "notBreaching", Tags: tagList(names),
  };
}

function CreateAlarm({ onCreated, onClose }: { onCreated: (name: string) => void; onClose: () => void }): VNode {
  const names = useLab();
  const integrations = useLoad(() => listIntegrations({ quiet: true }), []);
  const [arn, setArn] = useState("");
  const [name, setName] = useState("");
  const action = useAction();
  const chosen = integrations.value?.find((each) => each.IntegrationArn === arn);
  const create = async (): Promise<void> => {
    if (!chosen || !names) return;
    await call("cloudwatch", "PutMetricAlarm", alarmOf(name, chosen, nameOf(chosen.SourceArn).toLowerCase(), names), { helper: "zetl.monitoring.create_alarm(lab)" });
    onCreated(name);
  };
  const choose = (value: string): void => {
    setArn(value);
    const found = integrations.value?.find((each) => each.IntegrationArn === value);
    if (found) setName(`${found.IntegrationName}-ingestion-failed`);
  };
  return (
    <Modal
      title="Create alarm" onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button primary busy={action.busy} disabled={!chosen || !name} onClick={() => void action.run(create)}>Create alarm</Button>
        </>
      }
    >
      <SelectField
        label="Integration" value={arn} placeholder="Choose an integration" onChange={choose} hint="The alarm watches the integration's IngestionFailed metric."
        options={(integrations.value ?? []).map((each) => ({ value: each.IntegrationArn, label: each.IntegrationName }))}
      />
      <TextField label="Alarm name" value={name} onChange={setName} />
      <TagsNote names={names} />
      <ErrorBox error={action.error ?? integrations.error} />
    </Modal>
  );
}
