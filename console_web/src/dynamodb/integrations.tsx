import type { VNode } from "preact";
import { IntegrationTable, useIntegrations } from "../glue/integration_table";
import { navigate } from "../router";
import { Button, ErrorBox, Loading, Menu, Page } from "../ui";

/** The zero-ETL integrations of DynamoDB tables. A new integration is created in AWS Glue. */
export function IntegrationsPage(): VNode {
  const integrations = useIntegrations();
  return (
    <Page
      title="Integrations"
      actions={
        <>
          <Button onClick={integrations.reload} label="Refresh integrations">Refresh</Button>
          <Menu title="Create integration" items={[{ title: "Amazon SageMaker Lakehouse", onSelect: () => navigate("#/glue/zero-etl/create") }]} />
        </>
      }
    >
      <p>A zero-ETL integration copies a table and then its changes, so you don't have to build a pipeline.</p>
      <ErrorBox error={integrations.error} onRetry={integrations.reload} />
      {integrations.value ? (
        <IntegrationTable integrations={integrations.value.filter((each) => each.SourceArn.includes(":dynamodb:"))} />
      ) : !integrations.error && <Loading what="integrations" />}
    </Page>
  );
}
