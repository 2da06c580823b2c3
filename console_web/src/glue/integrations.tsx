import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button, ButtonLink, ErrorBox, Loading, Menu, Page } from "../ui";
import { DeleteIntegration } from "./delete_integration";
import { IntegrationTable, useIntegrations } from "./integration_table";
import { integrationId } from "./model";

export function IntegrationsPage(): VNode {
  const integrations = useIntegrations();
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const chosen = integrations.value?.find((each) => selected.includes(integrationId(each)));
  return (
    <Page
      title="Zero-ETL integrations"
      actions={
        <>
          <Button onClick={integrations.reload} label="Refresh integrations">Refresh</Button>
          <Menu title="Actions" disabled={!chosen} items={[{ title: "Delete", onSelect: () => setDeleting(true) }]} />
          <ButtonLink primary href="#/glue/zero-etl/create">Create zero-ETL integration</ButtonLink>
        </>
      }
    >
      <ErrorBox error={integrations.error} onRetry={integrations.reload} />
      {integrations.value
        ? <IntegrationTable integrations={integrations.value} selected={selected} onSelect={setSelected} />
        : !integrations.error && <Loading what="integrations" />}
      {deleting && chosen && (
        <DeleteIntegration
          integration={chosen} onClose={() => setDeleting(false)}
          onDeleted={() => { setDeleting(false); setSelected([]); integrations.reload(); }}
        />
      )}
    </Page>
  );
}
