import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/dynamodb", title: "DynamoDB", render: () => <Page title="DynamoDB"><p>Choose an entry of the navigation.</p></Page> },
];
