import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { call } from "../api";
import { useAction, useLoad } from "../hooks";
import { bytes, moment } from "../lab";
import { href } from "../router";
import { Button, ErrorBox, Loading, Page, Table, type Column } from "../ui";

interface Listing {
  CommonPrefixes?: { Prefix: string }[];
  Contents?: { Key: string; Size: number; LastModified: string }[];
  NextContinuationToken?: string;
}

interface Entry {
  name: string;
  href: string;
  size?: number;
  modified?: string;
}

const COLUMNS: Column<Entry>[] = [
  { key: "name", header: "Name", sortBy: (each) => each.name, render: (each) => <a href={each.href}>{each.name}</a> },
  { key: "modified", header: "Last modified", render: (each) => moment(each.modified), sortBy: (each) => each.modified ?? "" },
  { key: "size", header: "Size", numeric: true, render: (each) => (each.size === undefined ? "–" : bytes(each.size)), sortBy: (each) => each.size ?? -1 },
];

function entries(bucket: string, prefix: string, pages: Listing[]): Entry[] {
  const folders = pages.flatMap((page) => page.CommonPrefixes ?? []).map(({ Prefix }) => ({
    name: Prefix.slice(prefix.length), href: href("/s3/:bucket", { bucket }, { prefix: Prefix }),
  }));
  const objects = pages.flatMap((page) => page.Contents ?? []).filter(({ Key }) => Key !== prefix).map(({ Key, Size, LastModified }) => ({
    name: Key.slice(prefix.length), href: href("/s3/:bucket/object", { bucket }, { key: Key }), size: Size, modified: LastModified,
  }));
  return [...folders, ...objects];
}

/** Return the breadcrumbs of a prefix: the list of buckets, the bucket, and each parent folder. */
export function crumbs(bucket: string, prefix: string): { title: string; href: string }[] {
  const parts = prefix.split("/").filter(Boolean);
  const above = parts.slice(0, -1).map((title, place) => ({
    title, href: href("/s3/:bucket", { bucket }, { prefix: `${parts.slice(0, place + 1).join("/")}/` }),
  }));
  const root = { title: bucket, href: href("/s3/:bucket", { bucket }) };
  return [{ title: "Buckets", href: "#/s3/buckets" }, ...(parts.length ? [root, ...above] : [])];
}

export function BucketPage({ bucket, prefix }: { bucket: string; prefix: string }): VNode {
  const [pages, setPages] = useState<Listing[]>([]);
  const more = useAction();
  const list = (token?: string): Promise<Listing> =>
    call<Listing>("s3", "ListObjectsV2", { Bucket: bucket, Prefix: prefix, Delimiter: "/", ...(token ? { ContinuationToken: token } : {}) });
  const first = useLoad(async () => {
    const page = await list();
    setPages([page]);
    return page;
  }, [bucket, prefix]);
  const shown = useMemo(() => entries(bucket, prefix, pages), [pages]);
  const token = pages[pages.length - 1]?.NextContinuationToken;
  const title = prefix.split("/").filter(Boolean).pop() ?? bucket;
  return (
    <Page title={title} crumbs={crumbs(bucket, prefix)} actions={<Button onClick={first.reload} label="Refresh objects">Refresh</Button>}>
      <ErrorBox error={first.error ?? more.error} onRetry={first.reload} />
      {first.value ? (
        <Table label="Objects" columns={COLUMNS} rows={shown} rowKey={(each) => each.href} find={(each) => each.name} empty="There are no objects here." />
      ) : !first.error && <Loading what="objects" />}
      {token && <p><Button busy={more.busy} onClick={() => void more.run(async () => { const page = await list(token); setPages([...pages, page]); })}>Load more</Button></p>}
    </Page>
  );
}
