import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction } from "../hooks";
import { CheckboxField, ConfirmDialog, useFlash } from "../ui";
import { ifThere, listIntegrations, nameOf, type Integration } from "./model";

interface DeleteProps {
  integration: Integration;
  onDeleted: () => void;
  onClose: () => void;
}

const LOOK = 500;
const LOOKS = 240;

/** After the integration has been deleted, delete the settings that the wizard added to the database. */
async function deleteProperties(integration: Integration): Promise<void> {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const still = await listIntegrations({ quiet: true });
    if (!still.some((each) => each.IntegrationArn === integration.IntegrationArn)) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  const others = (await listIntegrations({ quiet: true })).some((each) => each.TargetArn === integration.TargetArn);
  await ifThere(call(
    "glue", "DeleteIntegrationTableProperties", { ResourceArn: integration.TargetArn, TableName: nameOf(integration.SourceArn) },
    { helper: "zetl.integration.delete_table_properties(lab)" },
  ));
  // The role setting belongs to the database, so it is kept while another integration has the same target.
  if (!others) {
    await ifThere(call(
      "glue", "DeleteIntegrationResourceProperty", { ResourceArn: integration.TargetArn },
      { helper: "zetl.integration.delete_resource_property(lab)" },
    ));
  }
}

export function DeleteIntegration({ integration, onDeleted, onClose }: DeleteProps): VNode {
  const [properties, setProperties] = useState(true);
  const action = useAction();
  const flash = useFlash();
  const remove = async (): Promise<void> => {
    await call("glue", "DeleteIntegration", { IntegrationIdentifier: integration.IntegrationArn }, { helper: "zetl.integration.delete(lab)" });
    flash("success", `Integration ${integration.IntegrationName} is being deleted.`);
    onDeleted();
    if (properties) {
      deleteProperties(integration).catch((error: unknown) => flash("error", error instanceof Error ? error.message : String(error)));
    }
  };
  return (
    <ConfirmDialog
      title={`Delete ${integration.IntegrationName}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
      onConfirm={() => void action.run(remove)} onClose={onClose}
    >
      <p>Changes to the source will no longer reach the target. The target table and its files are kept.</p>
      <CheckboxField
        label="Also delete the database's target role setting and the table's output settings" checked={properties} onChange={setProperties}
        hint="DeleteIntegration keeps these two settings."
      />
    </ConfirmDialog>
  );
}
