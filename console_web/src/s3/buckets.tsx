import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { counted, moment, TagsNote, tagList, useLab } from "../lab";
import { href } from "../router";
import { Button, ConfirmDialog, ErrorBox, Loading, Modal, Page, Table, TextField, useFlash, type Column } from "../ui";

interface Bucket {
  Name: string;
  CreationDate: string;
}

const COLUMNS: Column<Bucket>[] = [
  { key: "name", header: "Name", sortBy: (each) => each.Name, render: (each) => <a href={href("/s3/:bucket", { bucket: each.Name })}>{each.Name}</a> },
  { key: "created", header: "Creation date", render: (each) => moment(each.CreationDate) },
];

/** Delete all objects of a bucket, a thousand at a time. */
async function empty(bucket: string): Promise<number> {
  let count = 0;
  for (;;) {
    const page = await call<{ Contents?: { Key: string }[] }>("s3", "ListObjectsV2", { Bucket: bucket });
    const keys = (page.Contents ?? []).map(({ Key }) => ({ Key }));
    if (keys.length === 0) return count;
    await call("s3", "DeleteObjects", { Bucket: bucket, Delete: { Objects: keys, Quiet: true } });
    count += keys.length;
  }
}

export function BucketsPage(): VNode {
  const buckets = useLoad(async () => (await call<{ Buckets: Bucket[] }>("s3", "ListBuckets")).Buckets, []);
  const [selected, setSelected] = useState<string[]>([]);
  const [dialog, setDialog] = useState<"" | "create" | "empty" | "delete">("");
  const action = useAction();
  const flash = useFlash();
  const [name = ""] = selected;
  const close = (): void => {
    setDialog("");
    action.clear();
  };
  const done = (text: string): void => {
    flash("success", text);
    close();
    buckets.reload();
  };
  const clear = async (): Promise<void> => done(`Deleted ${counted(await empty(name), "object")} from ${name}.`);
  const remove = async (): Promise<void> => {
    await call("s3", "DeleteBucket", { Bucket: name });
    setSelected([]);
    done(`Bucket ${name} was deleted.`);
  };
  return (
    <Page
      title="Buckets"
      actions={
        <>
          <Button disabled={!name} onClick={() => setDialog("empty")}>Empty</Button>
          <Button disabled={!name} onClick={() => setDialog("delete")}>Delete</Button>
          <Button primary onClick={() => setDialog("create")}>Create bucket</Button>
        </>
      }
    >
      <ErrorBox error={buckets.error} onRetry={buckets.reload} />
      {buckets.value ? (
        <Table label="Buckets" columns={COLUMNS} rows={buckets.value} rowKey={(each) => each.Name} select="single" selected={selected} onSelect={setSelected} pageSize={50} empty="There are no buckets yet." />
      ) : !buckets.error && <Loading what="buckets" />}
      {dialog === "create" && <CreateBucket onClose={close} onCreated={(created) => done(`Bucket ${created} was created.`)} />}
      {dialog === "empty" && (
        <ConfirmDialog title={`Empty bucket ${name}`} word="permanently delete" action="Empty" busy={action.busy} error={action.error} onConfirm={() => void action.run(clear)} onClose={close}>
          <p>This deletes all objects in the bucket.</p>
        </ConfirmDialog>
      )}
      {dialog === "delete" && (
        <ConfirmDialog title={`Delete bucket ${name}`} word={name} action="Delete bucket" busy={action.busy} error={action.error} onConfirm={() => void action.run(remove)} onClose={close}>
          <p>Only an empty bucket can be deleted.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

function CreateBucket({ onCreated, onClose }: { onCreated: (name: string) => void; onClose: () => void }): VNode {
  const names = useLab();
  const [name, setName] = useState("");
  const action = useAction();
  const create = async (): Promise<void> => {
    if (!names) return;
    await call("s3", "CreateBucket", {
      Bucket: name,
      CreateBucketConfiguration: { Tags: tagList(names), ...(names.region === "us-east-1" ? {} : { LocationConstraint: names.region }) },
    }, { helper: "zetl.target.create_bucket(lab)" });
    await call("s3", "PutPublicAccessBlock", {
      Bucket: name,
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true },
    });
    onCreated(name);
  };
  return (
    <Modal
      title="Create bucket" onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button primary busy={action.busy} disabled={!name || !names} onClick={() => void action.run(create)}>Create bucket</Button>
        </>
      }
    >
      <TextField label="Bucket name" value={name} onChange={setName} placeholder={names?.bucket ?? ""} hint="All public access is blocked." />
      <TagsNote names={names} />
      <ErrorBox error={action.error} />
    </Modal>
  );
}
