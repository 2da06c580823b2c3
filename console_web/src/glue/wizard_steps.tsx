import type { VNode } from "preact";
import { all, call, type LabNames } from "../api";
import { describeTable, listTables } from "../dynamodb/model";
import { useLoad } from "../hooks";
import { TagsNote } from "../lab";
import { Button, ErrorBox, KeyValues, RadioGroup, Section, SelectField, TextAreaField, TextField } from "../ui";
import { listDatabases, nameOf } from "./model";
import { Prerequisites } from "./prerequisites";
import { CONVERSIONS, partitionSpec, TRANSFORMS, UNNEST, type Draft, type PartitionKey } from "./wizard_model";

export interface StepProps {
  draft: Draft;
  change: (changed: Partial<Draft>) => void;
  problems: Record<string, string>;
  names: LabNames | undefined;
}

export function SourceStep(): VNode {
  return (
    <Section title="Select source type">
      <RadioGroup
        label="Source" value="dynamodb" onChange={() => undefined}
        options={[{ value: "dynamodb", label: "Amazon DynamoDB", hint: "A table in this account and Region." }]}
      />
      <p class="hint">AWS Glue also reads databases and applications such as Salesforce. The local lakehouse supports DynamoDB only.</p>
    </Section>
  );
}

interface Role {
  RoleName: string;
  Arn: string;
  AssumeRolePolicyDocument: unknown;
}

/** Return the roles whose trust policy names AWS Glue. */
async function glueRoles(): Promise<Role[]> {
  const roles = await all<Role>("iam", "ListRoles", {}, "Roles", { from: "Marker", to: "Marker" });
  return roles.filter((role) => JSON.stringify(role.AssumeRolePolicyDocument).includes("glue.amazonaws.com"));
}

export function DetailsStep({ draft, change, problems, names }: StepProps): VNode {
  const tables = useLoad(async () => Promise.all((await listTables()).map((name) => describeTable(name, { quiet: true }))), []);
  const databases = useLoad(() => listDatabases(), []);
  const roles = useLoad(glueRoles, []);
  const table = tables.value?.find((each) => each.TableArn === draft.tableArn);
  // A database's ARN contains the account and the Region, which may be loaded after the databases.
  const arns = names && databases.value?.map((each) => ({ value: `arn:aws:glue:${names.region}:${names.account}:database/${each.Name}`, label: each.Name }));
  return (
    <>
      <ErrorBox error={tables.error ?? databases.error ?? roles.error} />
      <Section title="Source details">
        <SelectField
          label="DynamoDB table" value={draft.tableArn} placeholder="Choose a table" error={problems["table"]}
          hint="Tables in this account and Region." onChange={(tableArn) => change({ tableArn })}
          options={(tables.value ?? []).map((each) => ({ value: each.TableArn, label: each.TableName }))}
        />
      </Section>
      <Section title="Target details">
        <KeyValues items={[["AWS account", names && `${names.account} (current account)`], ["Catalog", "AwsDataCatalog"]]} />
        <SelectField
          label="Target database" value={draft.databaseArn} placeholder="Choose a database" error={problems["database"]}
          onChange={(databaseArn) => change({ databaseArn })}
          options={arns ?? []}
        />
        <SelectField
          label="Target IAM role" value={draft.roleArn} placeholder="Choose a role" error={problems["role"]}
          hint="Roles that AWS Glue can assume. The integration writes with this role's permissions."
          onChange={(roleArn) => change({ roleArn })}
          options={(roles.value ?? []).map((each) => ({ value: each.Arn, label: each.RoleName }))}
        />
      </Section>
      <Prerequisites draft={draft} />
      <Section title="Output settings">
        <RadioGroup label="Schema unnesting" value={draft.unnest} onChange={(value) => change({ unnest: value as Draft["unnest"] })} options={UNNEST} />
        <RadioGroup
          label="Data partitioning" value={draft.partitioning} onChange={(value) => change({ partitioning: value as Draft["partitioning"] })}
          options={[
            { value: "default", label: "Use table keys", hint: "Buckets based on the table's primary key." },
            { value: "custom", label: "Specify custom partition keys", hint: "Up to 10 fields that your most frequent queries filter on." },
          ]}
        />
        {draft.partitioning === "custom" && (
          <PartitionKeys keys={draft.keys} problem={problems["keys"]} onChange={(keys) => change({ keys })} />
        )}
        <TextField
          label="Target table name - optional" value={draft.targetTable} onChange={(targetTable) => change({ targetTable })}
          placeholder={table?.TableName.toLowerCase() ?? ""}
        />
      </Section>
    </>
  );
}

function PartitionKeys({ keys, problem, onChange }: { keys: PartitionKey[]; problem: string | undefined; onChange: (keys: PartitionKey[]) => void }): VNode {
  const change = (place: number, changed: Partial<PartitionKey>): void =>
    onChange(keys.map((key, each) => (each === place ? { ...key, ...changed } : key)));
  return (
    <>
      {keys.map((key, place) => (
        <div class="row" key={place} role="group" aria-label={`Partition key ${place + 1}`}>
          <TextField label={`Field of key ${place + 1}`} value={key.field} onChange={(field) => change(place, { field })} />
          <SelectField
            label={`Transform of key ${place + 1}`} value={key.transform} onChange={(transform) => change(place, { transform })}
            options={TRANSFORMS.map((value) => ({ value, label: value }))}
          />
          {key.transform !== "identity" && (
            <SelectField
              label={`Time format of key ${place + 1}`} value={key.conversion} onChange={(conversion) => change(place, { conversion })}
              options={CONVERSIONS.map((value) => ({ value, label: value }))}
            />
          )}
          <p><Button label={`Remove key ${place + 1}`} onClick={() => onChange(keys.filter((_, each) => each !== place))}>Remove</Button></p>
        </div>
      ))}
      {problem && <p class="problem" role="alert">{problem}</p>}
      <Button disabled={keys.length >= 10} onClick={() => onChange([...keys, { field: "", transform: "identity", conversion: "iso" }])}>Add partition key</Button>
    </>
  );
}

export function EncryptionStep({ draft, change, problems, names }: StepProps): VNode {
  const keys = useLoad(
    async () => (await call<{ Aliases?: { AliasName: string; TargetKeyId?: string }[] }>("kms", "ListAliases")).Aliases ?? [], [],
  );
  return (
    <>
      <Section title="Security">
        <RadioGroup
          label="Encryption" value={draft.encryption} onChange={(value) => change({ encryption: value as Draft["encryption"] })}
          options={[
            { value: "aws", label: "Use AWS owned key", hint: "AWS encrypts the data with a key that it owns." },
            { value: "kms", label: "Choose a different AWS KMS key", hint: "A customer managed key in this account." },
          ]}
        />
        {draft.encryption === "kms" && (
          <TextField
            label="AWS KMS key" value={draft.kmsKey} onChange={(kmsKey) => change({ kmsKey })} error={problems["kmsKey"]}
            hint="A key ID, an ARN or an alias." options={(keys.value ?? []).filter((each) => each.TargetKeyId).map((each) => each.AliasName)}
          />
        )}
      </Section>
      <Section title="Integration details">
        <TextField label="Integration name" value={draft.name} onChange={(name) => change({ name })} error={problems["name"]} placeholder={names?.integration ?? ""} />
        <TextAreaField label="Description - optional" rows={2} value={draft.description} onChange={(description) => change({ description })} />
      </Section>
      <Section title="Replication settings">
        <TextField
          label="Refresh interval (minutes)" type="number" min={15} max={8640} value={draft.refresh} error={problems["refresh"]}
          onChange={(refresh) => change({ refresh })} hint="How often AWS Glue fetches changes. By default, the local lakehouse fetches them within 1 second."
        />
      </Section>
      <TagsNote names={names} />
    </>
  );
}

export function ReviewStep({ draft, onEdit }: { draft: Draft; onEdit: (step: number) => void }): VNode {
  const spec = partitionSpec(draft);
  const unnest = UNNEST.find((each) => each.value === draft.unnest)?.label;
  return (
    <>
      <Section title="Source and target" actions={<Button label="Edit source and target" onClick={() => onEdit(2)}>Edit</Button>}>
        <KeyValues
          items={[
            ["Source type", "Amazon DynamoDB"], ["DynamoDB table", nameOf(draft.tableArn)], ["Target database", nameOf(draft.databaseArn)],
            ["Target IAM role", nameOf(draft.roleArn)], ["Schema unnesting", unnest],
            ["Data partitioning", spec.length
              ? spec.map((key) => [key.FieldName, key.FunctionSpec, key.ConversionSpec].filter(Boolean).join(" · ")).join(", ")
              : "Table keys"],
            ["Target table name", draft.targetTable || nameOf(draft.tableArn).toLowerCase()],
          ]}
        />
      </Section>
      <Section title="Integration" actions={<Button label="Edit integration" onClick={() => onEdit(3)}>Edit</Button>}>
        <KeyValues
          items={[
            ["Integration name", draft.name], ["Description", draft.description],
            ["Encryption", draft.encryption === "aws" ? "AWS owned key" : draft.kmsKey], ["Refresh interval", `${draft.refresh} minutes`],
          ]}
        />
      </Section>
    </>
  );
}
