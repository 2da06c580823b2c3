import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { useAction, useLoad } from "../hooks";
import { bytes, moment, PolicyEditor, pretty } from "../lab";
import { href, replaceQuery } from "../router";
import { Button, ButtonLink, Code, CopyButton, ErrorBox, KeyValues, Loading, Page, Section, Status, Tabs, useFlash } from "../ui";
import { describeTable, keyNames, type TableDescription } from "./model";

interface Recovery {
  PointInTimeRecoveryStatus: string;
  EarliestRestorableDateTime?: string;
  LatestRestorableDateTime?: string;
}

export function TablePage({ name, tab }: { name: string; tab: string }): VNode {
  const table = useLoad((again) => describeTable(name, { quiet: again }), [name], {
    milliseconds: 1000, while: (found) => found.TableStatus !== "ACTIVE",
  });
  const [open, setOpen] = useState(tab);
  return (
    <Page
      title={name} crumbs={[{ title: "Tables", href: "#/dynamodb/tables" }]}
      actions={<ButtonLink primary href={href("/dynamodb/items/:table", { table: name })}>Explore table items</ButtonLink>}
    >
      <ErrorBox error={table.error} onRetry={table.reload} />
      {!table.value && !table.error && <Loading what="the table" />}
      {table.value && (
        <Tabs
          label="Table" selected={open}
          onSelect={(id) => { setOpen(id); replaceQuery({ tab: id }); }}
          tabs={[
            { id: "overview", title: "Overview", render: () => <Overview table={table.value as TableDescription} /> },
            { id: "backups", title: "Backups", render: () => <Backups name={name} /> },
            { id: "permissions", title: "Permissions", render: () => <Permissions arn={table.value?.TableArn ?? ""} /> },
          ]}
        />
      )}
    </Page>
  );
}

function Overview({ table }: { table: TableDescription }): VNode {
  const [partition = "–", sort = "–"] = keyNames(table);
  return (
    <Section title="General information">
      <KeyValues
        items={[
          ["Table status", <Status value={table.TableStatus} />],
          ["Partition key", partition],
          ["Sort key", sort],
          ["Item count", table.ItemCount ?? 0],
          ["Table size", bytes(table.TableSizeBytes ?? 0)],
          ["Created", moment(table.CreationDateTime)],
          ["Amazon Resource Name (ARN)", <><code>{table.TableArn}</code> <CopyButton text={table.TableArn} label="Copy ARN" /></>],
        ]}
      />
    </Section>
  );
}

function Backups({ name }: { name: string }): VNode {
  const backups = useLoad(
    async () => (await call<{ ContinuousBackupsDescription: { PointInTimeRecoveryDescription: Recovery } }>(
      "dynamodb", "DescribeContinuousBackups", { TableName: name },
    )).ContinuousBackupsDescription.PointInTimeRecoveryDescription, [name],
  );
  const action = useAction();
  const flash = useFlash();
  const on = backups.value?.PointInTimeRecoveryStatus === "ENABLED";
  const turn = async (): Promise<void> => {
    await call("dynamodb", "UpdateContinuousBackups", {
      TableName: name, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: !on },
    }, { helper: "zetl.source.enable_pitr(lab)" });
    flash("success", `Point-in-time recovery is ${on ? "off" : "on"}.`);
    backups.reload();
  };
  return (
    <Section
      title="Point-in-time recovery (PITR)"
      actions={backups.value && <Button busy={action.busy} onClick={() => void action.run(turn)}>{on ? "Turn off PITR" : "Turn on PITR"}</Button>}
    >
      <ErrorBox error={backups.error ?? action.error} />
      {backups.value && (
        <KeyValues
          items={[
            ["Status", <Status value={backups.value.PointInTimeRecoveryStatus} text={on ? "On" : "Off"} />],
            ["Earliest recovery point", moment(backups.value.EarliestRestorableDateTime)],
            ["Latest recovery point", moment(backups.value.LatestRestorableDateTime)],
          ]}
        />
      )}
      <p class="hint">A zero-ETL integration never reads the table itself. It exports from these continuous backups.</p>
    </Section>
  );
}

function Permissions({ arn }: { arn: string }): VNode {
  const [editing, setEditing] = useState(false);
  const policy = useLoad(async () => {
    try {
      return pretty((await call<{ Policy: string }>("dynamodb", "GetResourcePolicy", { ResourceArn: arn })).Policy);
    } catch (error) {
      if (error instanceof ApiError && error.code === "PolicyNotFoundException") return "";
      throw error;
    }
  }, [arn]);
  const action = useAction();
  const flash = useFlash();
  const save = async (text: string): Promise<void> => {
    await call("dynamodb", "PutResourcePolicy", { ResourceArn: arn, Policy: text }, { helper: "zetl.source.put_policy(lab)" });
    flash("success", "The table's resource-based policy was saved.");
    setEditing(false);
    policy.reload();
  };
  const remove = async (): Promise<void> => {
    await call("dynamodb", "DeleteResourcePolicy", { ResourceArn: arn });
    policy.reload();
  };
  return (
    <Section
      title="Resource-based policy for table"
      actions={!editing && policy.value !== undefined && (
        <>
          {policy.value && <Button busy={action.busy} onClick={() => void action.run(remove)}>Delete policy</Button>}
          <Button onClick={() => setEditing(true)}>{policy.value ? "Edit policy" : "Create table policy"}</Button>
        </>
      )}
    >
      <ErrorBox error={policy.error ?? action.error} />
      {editing ? (
        <PolicyEditor
          label="Resource-based policy" value={policy.value ?? ""} template="table_resource_policy" action="Save policy"
          onSave={save} onCancel={() => setEditing(false)}
        />
      ) : policy.value ? <Code text={policy.value} label="Resource-based policy" /> : <p>The table has no resource-based policy.</p>}
      <p class="hint">AWS Glue exports the table for an integration only if this policy allows glue.amazonaws.com to do so.</p>
    </Section>
  );
}
