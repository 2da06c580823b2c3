/** The saved querybooks. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useAction, useLoad } from "../hooks";
import { href } from "../router";
import { Button, ButtonLink, ErrorBox, Page, Table } from "../ui";
import { list, remove } from "./book";

export function BooksPage(): VNode {
  const found = useLoad(list, []);
  const [selected, setSelected] = useState<string[]>([]);
  const deleting = useAction();
  const drop = (): Promise<boolean> =>
    deleting.run(async () => {
      for (const id of selected) await remove(id);
      setSelected([]);
      found.reload();
    });
  return (
    <Page
      title="Querybooks" crumbs={[{ title: "SageMaker Unified Studio", href: "#/studio" }]}
      actions={
        <>
          <Button disabled={selected.length === 0} busy={deleting.busy} onClick={() => void drop()}>Delete querybook</Button>
          <ButtonLink href="#/studio/query" primary>New querybook</ButtonLink>
        </>
      }
    >
      <ErrorBox error={found.error ?? deleting.error} onRetry={found.reload} />
      <Table
        label="Querybooks" rows={found.value ?? []} rowKey={({ id }) => id} rowLabel={({ name }) => name} select="multi"
        selected={selected} onSelect={setSelected} empty="You haven't saved anything yet."
        columns={[
          { key: "name", header: "Name", render: ({ id, name }) => <a href={href("/studio/query/:id", { id })}>{name}</a>, sortBy: ({ name }) => name },
          { key: "shared", header: "Shared with project", render: ({ shared }) => (shared ? "Yes" : "No") },
          { key: "saved_at", header: "Saved", render: (book) => new Date(book.saved_at * 1000).toLocaleString(), sortBy: (book) => book.saved_at },
        ]}
      />
    </Page>
  );
}
