import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/s3", title: "Amazon S3", render: () => <Page title="Amazon S3"><p>Choose an entry of the navigation.</p></Page> },
];
