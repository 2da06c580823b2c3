import type { NavEntry, Route } from "../router";
import { BucketPage } from "./bucket";
import { BucketsPage } from "./buckets";
import { ObjectPage } from "./object";

export const nav: NavEntry[] = [{ title: "Buckets", path: "/s3/buckets" }];

export const routes: Route[] = [
  { path: "/s3", title: "Buckets", render: () => <BucketsPage /> },
  { path: "/s3/buckets", title: "Buckets", render: () => <BucketsPage /> },
  { path: "/s3/:bucket", title: "Bucket", render: ({ bucket = "" }, query) => <BucketPage bucket={bucket} prefix={query.get("prefix") ?? ""} /> },
  { path: "/s3/:bucket/object", title: "Object", render: ({ bucket = "" }, query) => <ObjectPage bucket={bucket} name={query.get("key") ?? ""} /> },
];
