import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ask, call } from "../api";
import { useAction, useLoad } from "../hooks";
import { TagsNote, tagList, useLab } from "../lab";
import { href, navigate } from "../router";
import { Button, ButtonLink, CheckboxField, Editor, ErrorBox, Page, Section, TextField, useFlash } from "../ui";

const POLICY = "zETLTargetPolicy";

export function CreateRolePage(): VNode {
  const names = useLab();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [trust, setTrust] = useState<string | undefined>();
  const [permissions, setPermissions] = useState(true);
  const template = useLoad(async () => JSON.stringify(await ask("policy", { name: "target_role_trust" }), null, 4), []);
  const action = useAction();
  const flash = useFlash();
  const policy = trust ?? template.value ?? "";
  const create = async (): Promise<void> => {
    JSON.parse(policy);
    await call("iam", "CreateRole", {
      RoleName: name, AssumeRolePolicyDocument: policy, ...(description ? { Description: description } : {}), ...(names ? { Tags: tagList(names) } : {}),
    }, { helper: "zetl.permissions.create_target_role(lab)" });
    if (permissions) {
      const document = await ask("policy", { name: "target_role_permissions" });
      await call("iam", "PutRolePolicy", { RoleName: name, PolicyName: POLICY, PolicyDocument: JSON.stringify(document) }, { helper: "zetl.permissions.create_target_role(lab)" });
    }
    flash("success", `Role ${name} was created.`);
    navigate(href("/iam/roles/:role", { role: name }));
  };
  return (
    <Page title="Create role" crumbs={[{ title: "Roles", href: "#/iam/roles" }]}>
      <form onSubmit={(event) => { event.preventDefault(); void action.run(create); }}>
        <Section title="Trusted entity: custom trust policy">
          <p class="hint">The trust policy says who can assume the role. AWS Glue (glue.amazonaws.com) assumes a target role.</p>
          <ErrorBox error={template.error} />
          {template.value !== undefined && <Editor label="Trust policy" language="json" value={policy} onChange={setTrust} />}
        </Section>
        <Section title="Role details">
          <TextField label="Role name" value={name} onChange={setName} required placeholder={names?.role ?? ""} />
          <TextField label="Description - optional" value={description} onChange={setDescription} />
          <CheckboxField
            label="Add the permissions of the lab's target role" checked={permissions} onChange={setPermissions}
            hint={`The inline policy ${POLICY} covers only the lab's bucket, database and log group.`}
          />
          <TagsNote names={names} />
        </Section>
        <ErrorBox error={action.error} />
        <p class="actions">
          <Button primary type="submit" busy={action.busy} disabled={!name || !policy}>Create role</Button>
          <ButtonLink href="#/iam/roles">Cancel</ButtonLink>
        </p>
      </form>
    </Page>
  );
}
