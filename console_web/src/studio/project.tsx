/** The project with its role, its workgroup and its portal. */

import type { VNode } from "preact";
import { call, lab as labNames } from "../api";
import { useLoad } from "../hooks";
import { ButtonLink, CopyButton, Empty, ErrorBox, KeyValues, Loading, Page, Section } from "../ui";

interface Named {
  id: string;
  name: string;
}

interface Project {
  domain: Named;
  project: Named & { projectStatus?: string };
  role: string;
  workgroup: string;
}

interface Connection {
  connectionId: string;
  type: string;
  environmentUserRole?: string;
  props?: { athenaProperties?: { workgroupName?: string } };
}

async function load(): Promise<Project | undefined> {
  const { project: wanted } = await labNames();
  const domains = await call<{ items: Named[] }>("datazone", "ListDomains");
  for (const domain of domains.items) {
    const projects = await call<{ items: Project["project"][] }>("datazone", "ListProjects", { domainIdentifier: domain.id });
    const project = projects.items.find(({ name }) => name === wanted) ?? projects.items[0];
    if (!project) continue;
    const found = await call<{ items: Connection[] }>("datazone", "ListConnections", { domainIdentifier: domain.id, projectIdentifier: project.id });
    const identity = found.items.find(({ type }) => type === "IAM");
    const athena = found.items.find(({ type }) => type === "ATHENA");
    const connection = identity && await call<Connection>(
      "datazone", "GetConnection", { domainIdentifier: domain.id, identifier: identity.connectionId },
      { helper: "zetl.studio.find_project(lab)" },
    );
    return {
      domain, project, role: connection?.environmentUserRole ?? "", workgroup: athena?.props?.athenaProperties?.workgroupName ?? "",
    };
  }
  return undefined;
}

export function ProjectPage(): VNode {
  const found = useLoad(load, []);
  const project = found.value;
  return (
    <Page
      title="SageMaker Unified Studio"
      actions={<><ButtonLink href="#/studio/data">Data</ButtonLink><ButtonLink href="#/studio/query" primary>Query editor</ButtonLink></>}
    >
      <ErrorBox error={found.error} onRetry={found.reload} />
      {found.loading && !project && <Loading what="project" />}
      {!found.loading && !project && !found.error && <Empty>This account has no project.</Empty>}
      {project && (
        <>
          <Section title={project.project.name}>
            <KeyValues
              items={[
                ["Project ID", project.project.id], ["Status", project.project.projectStatus ?? ""],
                ["Domain", `${project.domain.name} (${project.domain.id})`],
                ["Project role ARN", <><code>{project.role}</code> <CopyButton text={project.role} label="Copy project role ARN" /></>],
                ["Athena workgroup", project.workgroup],
              ]}
            />
          </Section>
          <Section title="What you can do here">
            <ul>
              <li><a href="#/studio/data">Data</a>: look at the lakehouse's databases, tables and columns.</li>
              <li><a href="#/studio/query">Query editor</a>: write SQL, run it with Athena, draw charts, and ask the assistant.</li>
              <li><a href="#/studio/querybooks">Querybooks</a>: what you saved or shared.</li>
              <li><a href="#/studio/history">Query history</a>: what ran, how long it took, and how much it read.</li>
            </ul>
          </Section>
        </>
      )}
    </Page>
  );
}
