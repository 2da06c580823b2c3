import type { VNode } from "preact";
import { call } from "../api";
import { useLoad } from "../hooks";
import { href } from "../router";
import { ErrorBox, Section, Status } from "../ui";
import { ifThere, nameOf } from "./model";
import type { Draft } from "./wizard_model";

interface Check {
  title: string;
  ok: boolean;
  /** The page on which the user can fix the problem. */
  fix: string;
  where: string;
}

async function examine(table: string, database: string): Promise<Check[]> {
  const checks: Check[] = [];
  const quiet = { quiet: true };
  if (table) {
    const name = nameOf(table);
    const backups = await call<{ ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: string } } }>(
      "dynamodb", "DescribeContinuousBackups", { TableName: name }, quiet,
    );
    const policy = await ifThere(call<{ Policy: string }>("dynamodb", "GetResourcePolicy", { ResourceArn: table }, quiet));
    checks.push(
      {
        title: "Point-in-time recovery is on for the table",
        ok: backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus === "ENABLED",
        where: "Backups", fix: href("/dynamodb/tables/:table", { table: name }, { tab: "backups" }),
      },
      {
        title: "The table's policy lets AWS Glue export the table", ok: policy?.Policy.includes("dynamodb:ExportTableToPointInTime") ?? false,
        where: "Permissions", fix: href("/dynamodb/tables/:table", { table: name }, { tab: "permissions" }),
      },
    );
  }
  if (database) {
    const found = await ifThere(call<{ PolicyInJson: string }>("glue", "GetResourcePolicy", {}, quiet));
    checks.push({
      title: "The Data Catalog policy lets integrations write to the database",
      ok: found?.PolicyInJson.includes("glue:AuthorizeInboundIntegration") ?? false, where: "Catalog settings", fix: "#/glue/catalog-settings",
    });
  }
  return checks;
}

/** The milliseconds until missing prerequisites are checked again. The user usually creates them in another tab. */
const LOOK = 2000;

/** The prerequisites of the integration, each marked as done or missing. Policies are searched for an action, not evaluated. */
export function Prerequisites({ draft }: { draft: Draft }): VNode | null {
  const checks = useLoad(() => examine(draft.tableArn, draft.databaseArn), [draft.tableArn, draft.databaseArn], {
    milliseconds: LOOK, while: (found) => found.some((check) => !check.ok),
  });
  if (!checks.value?.length) return checks.error ? <ErrorBox error={checks.error} /> : null;
  return (
    <Section title="Prerequisites">
      <ul class="plain-list">
        {checks.value.map((check) => (
          <li key={check.title}>
            <Status value={check.ok ? "OK" : "Failed"} text={check.ok ? "Done" : "Missing"} /> {check.title}
            {!check.ok && <>. <a href={check.fix} target="_blank" rel="noopener">Open {check.where}</a></>}
          </li>
        ))}
      </ul>
    </Section>
  );
}
