import type { VNode } from "preact";
import { call } from "../api";
import { useAction } from "../hooks";
import { ConfirmDialog, useFlash } from "../ui";
import type { Integration } from "./model";

interface DeleteProps {
  integration: Integration;
  onDeleted: () => void;
  onClose: () => void;
}

export function DeleteIntegration({ integration, onDeleted, onClose }: DeleteProps): VNode {
  const action = useAction();
  const flash = useFlash();
  const remove = async (): Promise<void> => {
    await call("glue", "DeleteIntegration", { IntegrationIdentifier: integration.IntegrationArn }, { helper: "zetl.integration.delete(lab)" });
    flash("success", `Integration ${integration.IntegrationName} is being deleted.`);
    onDeleted();
  };
  return (
    <ConfirmDialog
      title={`Delete ${integration.IntegrationName}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
      onConfirm={() => void action.run(remove)} onClose={onClose}
    >
      <p>Changes of the source no longer reach the target. The target table and its files stay.</p>
    </ConfirmDialog>
  );
}
