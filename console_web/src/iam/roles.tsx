import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { all, call } from "../api";
import { useAction, useLoad } from "../hooks";
import { moment } from "../lab";
import { href } from "../router";
import { Button, ButtonLink, ConfirmDialog, ErrorBox, Loading, Page, Table, useFlash, type Column } from "../ui";

export interface Role {
  RoleName: string;
  Arn: string;
  Description?: string;
  CreateDate: string;
  AssumeRolePolicyDocument: unknown;
}

const COLUMNS: Column<Role>[] = [
  { key: "name", header: "Role name", sortBy: (each) => each.RoleName, render: (each) => <a href={href("/iam/roles/:role", { role: each.RoleName })}>{each.RoleName}</a> },
  { key: "Description", header: "Description" },
  { key: "created", header: "Created", render: (each) => moment(each.CreateDate), sortBy: (each) => each.CreateDate },
];

/** Delete a role. IAM does not delete a role that has policies, so the policies are removed first. */
async function deleteRole(name: string): Promise<void> {
  const inline = await call<{ PolicyNames: string[] }>("iam", "ListRolePolicies", { RoleName: name });
  for (const PolicyName of inline.PolicyNames) await call("iam", "DeleteRolePolicy", { RoleName: name, PolicyName });
  const attached = await call<{ AttachedPolicies: { PolicyArn: string }[] }>("iam", "ListAttachedRolePolicies", { RoleName: name });
  for (const { PolicyArn } of attached.AttachedPolicies) await call("iam", "DetachRolePolicy", { RoleName: name, PolicyArn });
  await call("iam", "DeleteRole", { RoleName: name });
}

export function RolesPage(): VNode {
  const roles = useLoad(() => all<Role>("iam", "ListRoles", {}, "Roles", { from: "Marker", to: "Marker" }), []);
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const action = useAction();
  const flash = useFlash();
  const [name = ""] = selected;
  const remove = async (): Promise<void> => {
    await deleteRole(name);
    flash("success", `Role ${name} was deleted.`);
    setDeleting(false);
    setSelected([]);
    roles.reload();
  };
  return (
    <Page
      title="Roles"
      actions={
        <>
          <Button disabled={!name} onClick={() => setDeleting(true)}>Delete</Button>
          <ButtonLink primary href="#/iam/create-role">Create role</ButtonLink>
        </>
      }
    >
      <ErrorBox error={roles.error} onRetry={roles.reload} />
      {roles.value ? (
        <Table label="Roles" columns={COLUMNS} rows={roles.value} rowKey={(each) => each.RoleName} select="single" selected={selected} onSelect={setSelected} find={(each) => each.RoleName} pageSize={50} />
      ) : !roles.error && <Loading what="roles" />}
      {deleting && (
        <ConfirmDialog
          title={`Delete ${name}`} word={name} action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => { setDeleting(false); action.clear(); }}
        >
          <p>This deletes the role and its inline policies. An integration that writes with the role will need attention.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
