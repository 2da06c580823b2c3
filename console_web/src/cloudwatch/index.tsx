import type { NavEntry, Route } from "../router";
import { AlarmsPage } from "./alarms";
import { LogGroupPage, LogGroupsPage } from "./logs";
import { MetricsPage } from "./metrics_page";

export const nav: NavEntry[] = [
  { title: "Alarms", path: "/cloudwatch/alarms" },
  { title: "Log groups", path: "/cloudwatch/logs" },
  { title: "Metrics", path: "/cloudwatch/metrics" },
];

export const routes: Route[] = [
  { path: "/cloudwatch", title: "Alarms", render: () => <AlarmsPage /> },
  { path: "/cloudwatch/alarms", title: "Alarms", render: () => <AlarmsPage /> },
  { path: "/cloudwatch/logs", title: "Log groups", render: () => <LogGroupsPage /> },
  { path: "/cloudwatch/logs/:group", title: "Log group", render: ({ group = "" }) => <LogGroupPage name={group} /> },
  { path: "/cloudwatch/metrics", title: "Metrics", render: () => <MetricsPage /> },
];
