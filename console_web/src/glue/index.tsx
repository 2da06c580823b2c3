import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/glue", title: "AWS Glue", render: () => <Page title="AWS Glue"><p>Choose an entry of the navigation.</p></Page> },
];
