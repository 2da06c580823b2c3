import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { MetricGraphs } from "../cloudwatch/graphs";
import { IntegrationLogs } from "../cloudwatch/integration_logs";
import { useLoad } from "../hooks";
import { moment } from "../lab";
import { href, navigate, replaceQuery } from "../router";
import { Button, ErrorBox, KeyValues, Loading, Menu, Page, Section, Tabs } from "../ui";
import { DeleteIntegration } from "./delete_integration";
import { IntegrationStatus } from "./integration_table";
import { findIntegration, ifThere, integrationId, nameOf, type Integration } from "./model";

export function IntegrationPage({ id, tab }: { id: string; tab: string }): VNode {
  const [open, setOpen] = useState(tab);
  const [deleting, setDeleting] = useState(false);
  const found = useLoad((again) => findIntegration(id, { quiet: again }), [id], { milliseconds: 1500, while: () => true });
  const { value } = found;
  return (
    <Page
      title={value?.IntegrationName ?? "Integration"} crumbs={[{ title: "Zero-ETL integrations", href: "#/glue/zero-etl" }]}
      actions={value && <Menu title="Actions" items={[{ title: "Delete", onSelect: () => setDeleting(true) }]} />}
    >
      <ErrorBox error={found.error} onRetry={found.reload} />
      {!value && !found.error && <Loading what="the integration" />}
      {value && (
        <Tabs
          label="Integration" selected={open}
          onSelect={(chosen) => { setOpen(chosen); replaceQuery({ tab: chosen }); }}
          tabs={[
            { id: "details", title: "Details", render: () => <Details integration={value} /> },
            { id: "logs", title: "Logs", render: () => <IntegrationLogs id={integrationId(value)} /> },
            { id: "metrics", title: "Metrics", render: () => <MetricGraphs arn={value.IntegrationArn} /> },
          ]}
        />
      )}
      {deleting && value && (
        <DeleteIntegration integration={value} onClose={() => setDeleting(false)} onDeleted={() => navigate("#/glue/zero-etl")} />
      )}
    </Page>
  );
}

interface TableProperties {
  TargetTableConfig?: { UnnestSpec?: string; TargetTableName?: string; PartitionSpec?: { FieldName: string; FunctionSpec: string }[] };
}

function Details({ integration }: { integration: Integration }): VNode {
  const table = nameOf(integration.SourceArn);
  const database = nameOf(integration.TargetArn);
  const properties = useLoad(async () => {
    const role = await ifThere(call<{ TargetProcessingProperties?: { RoleArn?: string } }>(
      "glue", "GetIntegrationResourceProperty", { ResourceArn: integration.TargetArn },
    ));
    const config = await ifThere(call<TableProperties>(
      "glue", "GetIntegrationTableProperties", { ResourceArn: integration.TargetArn, TableName: table },
    ));
    return { role: role?.TargetProcessingProperties?.RoleArn, config: config?.TargetTableConfig };
  }, [integration.IntegrationArn]);
  const config = properties.value?.config;
  return (
    <>
      <Section title="Integration details">
        <KeyValues
          items={[
            ["Status", <IntegrationStatus integration={integration} />],
            ["Integration ARN", <code>{integration.IntegrationArn}</code>],
            ["Created", moment(integration.CreateTime)],
            ["Refresh interval", `${integration.IntegrationConfig?.RefreshInterval ?? "15"} minutes`],
            ["Encryption key", integration.KmsKeyId ?? "AWS owned key"],
            ["Description", integration.Description],
          ]}
        />
      </Section>
      <Section title="Source and target">
        <ErrorBox error={properties.error} />
        <KeyValues
          items={[
            ["DynamoDB table", <a href={href("/dynamodb/tables/:table", { table })}>{table}</a>],
            ["Target database", <a href={href("/glue/databases/:database", { database })}>{database}</a>],
            ["Target IAM role", properties.value?.role && <a href={href("/iam/roles/:role", { role: nameOf(properties.value.role) })}>{nameOf(properties.value.role)}</a>],
            ["Target table name", config?.TargetTableName],
            ["Schema unnesting", config?.UnnestSpec],
            ["Data partitioning", config?.PartitionSpec?.length ? config.PartitionSpec.map((key) => `${key.FieldName} (${key.FunctionSpec})`).join(", ") : "Table keys"],
          ]}
        />
      </Section>
      {(integration.Errors?.length ?? 0) > 0 && (
        <Section title="Errors" actions={<Button onClick={() => navigate(href("/glue/zero-etl/:id", { id: integrationId(integration) }, { tab: "logs" }))}>View logs</Button>}>
          <ul>{integration.Errors?.map((error) => <li key={error.ErrorMessage}><strong>{error.ErrorCode}</strong> {error.ErrorMessage}</li>)}</ul>
        </Section>
      )}
    </>
  );
}
