import { fireEvent, render, screen } from "@testing-library/preact";
import { afterEach, expect, it, vi } from "vitest";
import { Results } from "../../src/studio/results";
import type { Result } from "../../src/studio/run";

const RESULT: Result = { id: "1", more: false, scanned: 0, milliseconds: 0, columns: [], rows: [] };

afterEach(() => vi.restoreAllMocks());

it("exports all columns as JSON, even if some have the same name", async () => {
  const blobs: Blob[] = [];
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    blobs.push(blob as Blob);
    return "blob:1";
  });
  const columns = ["id", "id", "id_2"].map((name) => ({ name, type: "integer" }));
  render(<Results result={{ ...RESULT, columns, rows: [["1", "2", null]] }} chart={undefined} onChart={vi.fn()} />);
  fireEvent.click(screen.getByRole("button", { name: "Export JSON" }));
  expect(JSON.parse(await (blobs[0] as Blob).text())).toEqual([{ id: "1", id_3: "2", id_2: null }]);
});

it.each([
  ["bigint", ["9007199254740993", null, "-5", "9007199254740992"], ["null", "-5", "9007199254740992", "9007199254740993"]],
  ["decimal", ["10.00", "9.50", "-0.50", "12345678901234567.02", "12345678901234567.01"], ["-0.50", "9.50", "10.00", "12345678901234567.01", "12345678901234567.02"]],
  ["double", ["NaN", "1.0E10", "Infinity", "2.5", null], ["null", "2.5", "1.0E10", "Infinity", "NaN"]],
  ["varchar", ["b", "", null, "a"], ["null", "", "a", "b"]],
  ["interval day to second", ["3 00:00:00.000", "1 00:00:00.000"], ["1 00:00:00.000", "3 00:00:00.000"]],
])("sorts the values of a column of the type %s", (type, values, sorted) => {
  render(<Results result={{ ...RESULT, columns: [{ name: "value", type }], rows: values.map((value) => [value]) }} chart={undefined} onChart={vi.fn()} />);
  fireEvent.click(screen.getByRole("button", { name: "value" }));
  expect(screen.getAllByRole("cell").map((cell) => cell.textContent)).toEqual(sorted);
});
