import { fireEvent, render, screen, within } from "@testing-library/preact";
import type { VNode } from "preact";
import { describe, expect, it, vi } from "vitest";
import { Table, type Column, type SortKey } from "../src/ui";

interface Row { id: number; name: string }

const COLUMNS: Column<Row>[] = [
  { key: "id", header: "Id", numeric: true, sortBy: (row) => row.id },
  { key: "name", header: "Name", sortBy: (row) => row.name },
];
const rows = (count: number): Row[] => Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` }));
const show = (list: Row[], more: Partial<Parameters<typeof Table<Row>>[0]> = {}): void => {
  render(<Table label="Things" columns={COLUMNS} rows={list} rowKey={(row) => String(row.id)} {...more} />);
};

describe("Table", () => {
  it("draws only the visible rows of 100,000, and reports their number", () => {
    const before = performance.now();
    show(rows(100_000));
    expect(performance.now() - before).toBeLessThan(2000);
    expect(screen.getAllByRole("row").length).toBeLessThan(80);
    expect(screen.getByRole("table", { name: "Things" }).getAttribute("aria-rowcount")).toBe("100001");
  });

  it("draws the rows at the scroll position", () => {
    show(rows(100_000));
    const region = screen.getByRole("region", { name: "Things, scrollable" });
    region.scrollTop = 50_000 * 34;
    fireEvent.scroll(region);
    expect(screen.getByText("row 50000")).toBeTruthy();
    expect(screen.queryByText("row 0")).toBeNull();
    expect(screen.getByText("row 50000").closest("tr")?.getAttribute("aria-rowindex")).toBe("50002");
  });

  it("starts at the first row after the order changes", () => {
    show(rows(100_000));
    const region = screen.getByRole("region", { name: "Things, scrollable" });
    region.scrollTop = 50_000 * 34;
    fireEvent.scroll(region);
    fireEvent.click(screen.getByRole("button", { name: "Id" }));
    fireEvent.click(screen.getByRole("button", { name: "Id" }));
    expect(region.scrollTop).toBe(0);
    expect(screen.getByText("row 99999")).toBeTruthy();
  });

  it("starts at the first page after the order changes", () => {
    show(rows(25), { pageSize: 10 });
    fireEvent.click(screen.getByRole("button", { name: "Next page" }));
    fireEvent.click(screen.getByRole("button", { name: "Name" }));
    expect(screen.getByText("Page 1 of 3")).toBeTruthy();
  });

  it("keeps its scroll position while its rows are loaded again", () => {
    const table = (count: number): VNode => <Table label="Things" columns={COLUMNS} rows={rows(count)} rowKey={(row) => String(row.id)} />;
    const { rerender } = render(table(100_000));
    const region = screen.getByRole("region", { name: "Things, scrollable" });
    region.scrollTop = 50_000 * 34;
    fireEvent.scroll(region);
    rerender(table(100_001));
    expect(region.scrollTop).toBe(50_000 * 34);
    expect(screen.getByText("row 50000")).toBeTruthy();
  });

  it("shows the rows page by page", () => {
    show(rows(25), { pageSize: 10 });
    fireEvent.click(screen.getByRole("button", { name: "Next page" }));
    fireEvent.click(screen.getByRole("button", { name: "Next page" }));
    expect(screen.getByText("row 24")).toBeTruthy();
    expect(screen.getByText("Page 3 of 3")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Next page" })).toHaveProperty("disabled", true);
  });

  it("sorts in both directions, as numbers and not as text", () => {
    show(rows(12));
    const first = (): string => within(screen.getAllByRole("row")[1] as HTMLElement).getAllByRole("cell")[0]?.textContent ?? "";
    fireEvent.click(screen.getByRole("button", { name: "Id" }));
    expect(first()).toBe("0");
    fireEvent.click(screen.getByRole("button", { name: "Id" }));
    expect(first()).toBe("11");
    expect(screen.getByRole("columnheader", { name: "Id" }).getAttribute("aria-sort")).toBe("descending");
  });

  it("sorts numbers before texts, and compares integers of any size", () => {
    const values: SortKey[] = ["b", 9007199254740993n, "a", 10, 9.5, Number.NEGATIVE_INFINITY, 9007199254740992n, ""];
    const columns: Column<{ value: SortKey }>[] = [{ key: "value", header: "Value", render: (row) => String(row.value), sortBy: (row) => row.value }];
    render(<Table label="Things" columns={columns} rows={values.map((value) => ({ value }))} rowKey={(row) => String(row.value)} />);
    const shown = (): (string | null)[] => screen.getAllByRole("cell").map((cell) => cell.textContent);
    const sorted = ["-Infinity", "9.5", "10", "9007199254740992", "9007199254740993", "", "a", "b"];
    fireEvent.click(screen.getByRole("button", { name: "Value" }));
    expect(shown()).toEqual(sorted);
    fireEvent.click(screen.getByRole("button", { name: "Value" }));
    expect(shown()).toEqual(sorted.reverse());
  });

  it("finds rows, and shows a message when there are none", () => {
    show(rows(30), { find: (row) => row.name });
    fireEvent.input(screen.getByRole("searchbox", { name: "Find in Things" }), { target: { value: "ROW 29" } });
    expect(screen.getAllByRole("row")).toHaveLength(2);
    fireEvent.input(screen.getByRole("searchbox", { name: "Find in Things" }), { target: { value: "none" } });
    expect(screen.getByText("No matches.")).toBeTruthy();
  });

  it("selects by key", () => {
    const chosen = vi.fn();
    show(rows(3), { select: "multi", selected: ["1"], onSelect: chosen });
    fireEvent.click(screen.getByRole("checkbox", { name: "Select 2" }));
    expect(chosen).toHaveBeenCalledWith(["1", "2"]);
    fireEvent.click(screen.getByRole("checkbox", { name: "Select 1" }));
    expect(chosen).toHaveBeenLastCalledWith([]);
  });

  it("shows markup as text", () => {
    const hostile = "<img src=x onerror=alert(1)>";
    show([{ id: 1, name: hostile }]);
    expect(screen.getByText(hostile)).toBeTruthy();
    expect(document.querySelector("img")).toBeNull();
  });
});
