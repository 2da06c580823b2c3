import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/cloudwatch", title: "CloudWatch", render: () => <Page title="CloudWatch"><p>Choose an entry of the navigation.</p></Page> },
];
