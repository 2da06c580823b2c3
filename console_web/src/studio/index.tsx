import type { NavEntry, Route } from "../router";
import { Page } from "../ui";

export const nav: NavEntry[] = [];

export const routes: Route[] = [
  { path: "/studio", title: "SageMaker Unified Studio", render: () => <Page title="SageMaker Unified Studio"><p>Choose an entry of the navigation.</p></Page> },
];
