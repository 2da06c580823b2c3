import type { VNode } from "preact";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { PolicyEditor, pretty } from "../lab";
import { Button, ErrorBox, Loading, Page, Section, useFlash } from "../ui";
import { ifThere } from "./model";

interface Policy {
  PolicyInJson: string;
  PolicyHash: string;
}

/** The Data Catalog resource policy. It applies to the whole account, and is written only if it has not changed since it was read. */
export function CatalogSettingsPage(): VNode {
  const policy = useLoad(async () => ({ found: await ifThere(call<Policy>("glue", "GetResourcePolicy")) }), []);
  const action = useAction();
  const flash = useFlash();
  const found = policy.value?.found;
  const condition = found ? { PolicyHashCondition: found.PolicyHash } : { PolicyExistsCondition: "NOT_EXIST" };
  const save = async (text: string): Promise<void> => {
    await call("glue", "PutResourcePolicy", { PolicyInJson: text, EnableHybrid: "TRUE", ...condition }, { helper: "zetl.target.merge_catalog_policy(lab)" });
    flash("success", "The Data Catalog policy was saved.");
    policy.reload();
  };
  const remove = async (): Promise<void> => {
    await call("glue", "DeleteResourcePolicy", found ? { PolicyHashCondition: found.PolicyHash } : {}, { helper: "zetl.target.remove_catalog_statements(lab)" });
    flash("success", "The Data Catalog policy was deleted.");
    policy.reload();
  };
  return (
    <Page title="Catalog settings">
      <Section title="Permissions" actions={found && <Button busy={action.busy} onClick={() => void action.run(remove)}>Delete policy</Button>}>
        <p>This policy applies to the account&apos;s whole Data Catalog. Saving replaces the whole policy, so keep other people's statements.</p>
        <ErrorBox error={policy.error ?? action.error} onRetry={policy.reload} />
        {policy.loading ? <Loading what="the policy" /> : policy.value && (
          <PolicyEditor key={found?.PolicyHash ?? ""} label="Data Catalog policy" value={pretty(found?.PolicyInJson)} template="catalog_resource_policy" onSave={save} />
        )}
      </Section>
    </Page>
  );
}
