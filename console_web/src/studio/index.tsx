import type { NavEntry, Route } from "../router";
import { BooksPage } from "./books";
import { DataPage } from "./data";
import { HistoryPage } from "./history";
import { ProjectPage } from "./project";
import { QuerybookPage } from "./querybook";

export const nav: NavEntry[] = [
  { title: "Data", path: "/studio/data" },
  { title: "Query editor", path: "/studio/query" },
  { title: "Querybooks", path: "/studio/querybooks" },
  { title: "Query history", path: "/studio/history" },
];

export const routes: Route[] = [
  { path: "/studio", title: "SageMaker Unified Studio", render: () => <ProjectPage /> },
  { path: "/studio/data", title: "Data", render: (_, query) => <DataPage query={query} /> },
  { path: "/studio/query", title: "Query editor", render: (_, query) => <QuerybookPage query={query} /> },
  { path: "/studio/query/:id", title: "Query editor", render: ({ id }, query) => <QuerybookPage {...(id ? { id } : {})} query={query} /> },
  { path: "/studio/querybooks", title: "Querybooks", render: () => <BooksPage /> },
  { path: "/studio/history", title: "Query history", render: () => <HistoryPage /> },
];
