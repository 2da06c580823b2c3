import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction } from "../hooks";
import { TagsNote, tagList, useLab } from "../lab";
import { href, navigate } from "../router";
import { Button, ButtonLink, CheckboxField, ErrorBox, Page, Section, SelectField, TextField, useFlash } from "../ui";

const TYPES = [{ value: "S", label: "String" }, { value: "N", label: "Number" }, { value: "B", label: "Binary" }];
const NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

export function CreateTablePage(): VNode {
  const names = useLab();
  const [name, setName] = useState("");
  const [partition, setPartition] = useState("");
  const [partitionType, setPartitionType] = useState("S");
  const [sort, setSort] = useState("");
  const [sortType, setSortType] = useState("S");
  const [recovery, setRecovery] = useState(true);
  const action = useAction();
  const flash = useFlash();
  const create = async (): Promise<void> => {
    const keys = [{ name: partition, type: partitionType, kind: "HASH" }, ...(sort ? [{ name: sort, type: sortType, kind: "RANGE" }] : [])];
    await call("dynamodb", "CreateTable", {
      TableName: name,
      KeySchema: keys.map((key) => ({ AttributeName: key.name, KeyType: key.kind })),
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key.name, AttributeType: key.type })),
      BillingMode: "PAY_PER_REQUEST",
      ...(names ? { Tags: tagList(names) } : {}),
    }, { helper: "zetl.source.create_table(lab)" });
    if (recovery) {
      await call("dynamodb", "UpdateContinuousBackups", {
        TableName: name, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }, { helper: "zetl.source.enable_pitr(lab)" });
    }
    flash("success", `Table ${name} was created.`);
    navigate(href("/dynamodb/tables/:table", { table: name }));
  };
  return (
    <Page title="Create table" crumbs={[{ title: "Tables", href: "#/dynamodb/tables" }]}>
      <form onSubmit={(event) => { event.preventDefault(); void action.run(create); }}>
        <Section title="Table details">
          <TextField
            label="Table name" value={name} onChange={setName} required placeholder={names?.table ?? ""}
            error={name && !NAME.test(name) ? "Use 3 to 255 letters, digits, underscores, hyphens and periods." : undefined}
          />
          <div class="row">
            <TextField label="Partition key" value={partition} onChange={setPartition} required />
            <SelectField label="Partition key type" value={partitionType} onChange={setPartitionType} options={TYPES} />
          </div>
          <div class="row">
            <TextField label="Sort key - optional" value={sort} onChange={setSort} />
            <SelectField label="Sort key type" value={sortType} onChange={setSortType} options={TYPES} />
          </div>
        </Section>
        <Section title="Table settings">
          <p>Capacity mode: <strong>On-demand</strong>. You pay for each read and write.</p>
          <CheckboxField
            label="Turn on point-in-time recovery" checked={recovery} onChange={setRecovery}
            hint="A zero-ETL integration reads the table's continuous backups, so it needs point-in-time recovery."
          />
          <TagsNote names={names} />
        </Section>
        <ErrorBox error={action.error} />
        <p class="actions">
          <Button primary type="submit" busy={action.busy} disabled={!NAME.test(name) || !partition}>Create table</Button>
          <ButtonLink href="#/dynamodb/tables">Cancel</ButtonLink>
        </p>
      </form>
    </Page>
  );
}
