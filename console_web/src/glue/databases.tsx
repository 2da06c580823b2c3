import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { TagsNote, useLab } from "../lab";
import { href, navigate } from "../router";
import { Button, ButtonLink, ConfirmDialog, ErrorBox, Loading, Page, Section, Table, TextField, useFlash, type Column } from "../ui";
import { listDatabases, type Database } from "./model";

const COLUMNS: Column<Database>[] = [
  { key: "name", header: "Name", sortBy: (each) => each.Name, render: (each) => <a href={href("/glue/databases/:database", { database: each.Name })}>{each.Name}</a> },
  { key: "LocationUri", header: "Location" },
  { key: "Description", header: "Description" },
];

export function DatabasesPage(): VNode {
  const databases = useLoad(() => listDatabases(), []);
  const [selected, setSelected] = useState<string[]>([]);
  const [deleting, setDeleting] = useState(false);
  const action = useAction();
  const flash = useFlash();
  const [name = ""] = selected;
  const remove = async (): Promise<void> => {
    await call("glue", "DeleteDatabase", { Name: name });
    flash("success", `Database ${name} was deleted.`);
    setDeleting(false);
    setSelected([]);
    databases.reload();
  };
  return (
    <Page
      title="Databases"
      actions={
        <>
          <Button disabled={!name} onClick={() => setDeleting(true)}>Delete</Button>
          <ButtonLink primary href="#/glue/create-database">Add database</ButtonLink>
        </>
      }
    >
      <ErrorBox error={databases.error} onRetry={databases.reload} />
      {databases.value ? (
        <Table
          label="Databases" columns={COLUMNS} rows={databases.value} rowKey={(each) => each.Name} select="single" selected={selected}
          onSelect={setSelected} pageSize={50} empty="The Data Catalog has no databases yet."
        />
      ) : !databases.error && <Loading what="databases" />}
      {deleting && (
        <ConfirmDialog
          title={`Delete database ${name}`} word="confirm" action="Delete" busy={action.busy} error={action.error}
          onConfirm={() => void action.run(remove)} onClose={() => { setDeleting(false); action.clear(); }}
        >
          <p>This removes the database and its tables from the Data Catalog. Their files in Amazon S3 are kept.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

export function CreateDatabasePage(): VNode {
  const names = useLab();
  const [name, setName] = useState("");
  const [location, setLocation] = useState("");
  const [description, setDescription] = useState("");
  const action = useAction();
  const flash = useFlash();
  const create = async (): Promise<void> => {
    const tags = names?.tags ?? {};
    await call("glue", "CreateDatabase", {
      DatabaseInput: {
        Name: name, ...(location ? { LocationUri: location } : {}), ...(description ? { Description: description } : {}), Parameters: tags,
      },
      Tags: tags,
    }, { helper: "zetl.target.create_database(lab)" });
    flash("success", `Database ${name} was created.`);
    navigate(href("/glue/databases/:database", { database: name }));
  };
  return (
    <Page title="Create a database" crumbs={[{ title: "Databases", href: "#/glue/databases" }]}>
      <form onSubmit={(event) => { event.preventDefault(); void action.run(create); }}>
        <Section title="Database details">
          <TextField label="Name" value={name} onChange={setName} required placeholder={names?.database ?? ""} />
          <TextField
            label="Location - optional" value={location} onChange={setLocation} placeholder={names ? `${names.location}/` : ""}
            hint="The location of the database's tables in Amazon S3. A zero-ETL target must have a location."
          />
          <TextField label="Description - optional" value={description} onChange={setDescription} />
          <TagsNote names={names} />
        </Section>
        <ErrorBox error={action.error} />
        <p class="actions">
          <Button primary type="submit" busy={action.busy} disabled={!name}>Create database</Button>
          <ButtonLink href="#/glue/databases">Cancel</ButtonLink>
        </p>
      </form>
    </Page>
  );
}
