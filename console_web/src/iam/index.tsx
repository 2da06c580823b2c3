import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/iam", title: "IAM", render: () => <Page title="IAM"><p>Choose an entry of the navigation.</p></Page> },
];
