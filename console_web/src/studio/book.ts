/** Querybooks with cells of SQL and Markdown, which the console saves. */

import { ask } from "../api";
import type { ChartSettings } from "./figures";

export interface Cell {
  key: string;
  type: "sql" | "markdown";
  text: string;
  chart?: ChartSettings | undefined;
}

export interface Book {
  id?: string;
  name: string;
  shared: boolean;
  cells: Cell[];
}

export interface BookSummary {
  id: string;
  name: string;
  shared: boolean;
  saved_at: number;
}

let last = 0;

export function cell(type: Cell["type"], text = ""): Cell {
  last += 1;
  return { key: `cell-${Date.now()}-${last}`, type, text };
}

export function empty(): Book {
  return { name: "Untitled querybook", shared: false, cells: [cell("sql")] };
}

export async function open(id: string): Promise<Book> {
  const found = await ask<Book>("querybooks/get", { id });
  return { ...found, cells: found.cells.map((each) => ({ ...cell(each.type, each.text), chart: each.chart })) };
}

export async function save(book: Book): Promise<Book & { id: string }> {
  const { id } = await ask<{ id: string }>("querybooks/save", {
    ...(book.id ? { id: book.id } : {}), name: book.name, shared: book.shared,
    cells: book.cells.map(({ type, text, chart }) => ({ type, text, ...(chart ? { chart } : {}) })),
  });
  return { ...book, id };
}

export function list(): Promise<BookSummary[]> {
  return ask<BookSummary[]>("querybooks/list");
}

export function remove(id: string): Promise<unknown> {
  return ask("querybooks/delete", { id });
}
