import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { decoded, moment, PolicyEditor } from "../lab";
import { Button, Code, CopyButton, ErrorBox, KeyValues, Loading, Page, Section, Tabs, TextField, useFlash } from "../ui";
import type { Role } from "./roles";

interface Policy {
  name: string;
  document: string;
}

export function RolePage({ name }: { name: string }): VNode {
  const role = useLoad(async () => (await call<{ Role: Role }>("iam", "GetRole", { RoleName: name })).Role, [name]);
  const { value } = role;
  return (
    <Page title={name} crumbs={[{ title: "Roles", href: "#/iam/roles" }]}>
      <ErrorBox error={role.error} onRetry={role.reload} />
      {!value && !role.error && <Loading what="the role" />}
      {value && (
        <>
          <Section title="Summary">
            <KeyValues items={[["ARN", <><code>{value.Arn}</code> <CopyButton text={value.Arn} label="Copy ARN" /></>], ["Created", moment(value.CreateDate)], ["Description", value.Description]]} />
          </Section>
          <Tabs
            label="Role"
            tabs={[
              { id: "permissions", title: "Permissions", render: () => <Permissions role={name} /> },
              { id: "trust", title: "Trust relationships", render: () => <Trust role={value} onSaved={role.reload} /> },
            ]}
          />
        </>
      )}
    </Page>
  );
}

function Permissions({ role }: { role: string }): VNode {
  const [editing, setEditing] = useState<Policy | undefined>();
  const action = useAction();
  const flash = useFlash();
  const policies = useLoad(async () => {
    const { PolicyNames } = await call<{ PolicyNames: string[] }>("iam", "ListRolePolicies", { RoleName: role });
    const inline = await Promise.all(PolicyNames.map(async (name): Promise<Policy> => {
      const found = await call<{ PolicyDocument: unknown }>("iam", "GetRolePolicy", { RoleName: role, PolicyName: name }, { quiet: true });
      return { name, document: decoded(found.PolicyDocument) };
    }));
    const { AttachedPolicies } = await call<{ AttachedPolicies: { PolicyName: string; PolicyArn: string }[] }>("iam", "ListAttachedRolePolicies", { RoleName: role });
    return { inline, attached: AttachedPolicies };
  }, [role]);
  const save = async (text: string): Promise<void> => {
    await call("iam", "PutRolePolicy", { RoleName: role, PolicyName: editing?.name, PolicyDocument: text });
    flash("success", `Policy ${editing?.name ?? ""} was saved.`);
    setEditing(undefined);
    policies.reload();
  };
  const remove = (name: string): void => void action.run(async () => {
    await call("iam", "DeleteRolePolicy", { RoleName: role, PolicyName: name });
    policies.reload();
  });
  if (editing) {
    return (
      <Section title="Inline policy">
        <TextField label="Policy name" value={editing.name} onChange={(name) => setEditing({ ...editing, name })} />
        <PolicyEditor label="Policy document" value={editing.document} template="target_role_permissions" action="Save policy" onSave={save} onCancel={() => setEditing(undefined)} />
      </Section>
    );
  }
  return (
    <>
      <ErrorBox error={policies.error ?? action.error} />
      <p class="actions"><Button onClick={() => setEditing({ name: "", document: "" })}>Create inline policy</Button></p>
      {policies.value?.inline.map((policy) => (
        <Section
          key={policy.name} title={policy.name}
          actions={
            <>
              <Button label={`Edit ${policy.name}`} onClick={() => setEditing(policy)}>Edit</Button>
              <Button label={`Delete ${policy.name}`} busy={action.busy} onClick={() => remove(policy.name)}>Delete</Button>
            </>
          }
        >
          <Code text={policy.document} label={`Policy ${policy.name}`} />
        </Section>
      ))}
      {policies.value && policies.value.attached.length > 0 && (
        <Section title="Attached policies">
          <ul>{policies.value.attached.map((policy) => <li key={policy.PolicyArn}><code>{policy.PolicyArn}</code></li>)}</ul>
        </Section>
      )}
      {policies.value?.inline.length === 0 && policies.value.attached.length === 0 && <p>The role has no permissions.</p>}
    </>
  );
}

function Trust({ role, onSaved }: { role: Role; onSaved: () => void }): VNode {
  const [editing, setEditing] = useState(false);
  const document = decoded(role.AssumeRolePolicyDocument);
  const save = async (text: string): Promise<void> => {
    await call("iam", "UpdateAssumeRolePolicy", { RoleName: role.RoleName, PolicyDocument: text });
    setEditing(false);
    onSaved();
  };
  return (
    <Section title="Trusted entities" actions={!editing && <Button onClick={() => setEditing(true)}>Edit trust policy</Button>}>
      {editing
        ? <PolicyEditor label="Trust policy" value={document} action="Update policy" onSave={save} onCancel={() => setEditing(false)} />
        : <Code text={document} label="Trust policy" />}
    </Section>
  );
}
