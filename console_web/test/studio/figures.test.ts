import { describe, expect, it } from "vitest";
import { described, figure, firstChart, firstTrace, missing, TYPES } from "../../src/studio/figures";
import type { Result } from "../../src/studio/run";

const RESULT: Result = {
  id: "1", more: false, scanned: 0, milliseconds: 0,
  columns: [{ name: "state", type: "varchar" }, { name: "share", type: "decimal(5,2)" }],
  rows: [["CA", "12.50"], ["NV", null]],
};

describe("a new chart", () => {
  it("is a line of the first numeric column over the first column that is not numeric", () => {
    const { data } = figure(firstChart(RESULT), RESULT);
    expect(data).toEqual([{ type: "scatter", mode: "lines", x: ["CA", "NV"], y: [12.5, null], name: "share" }]);
  });
});

describe("a pie", () => {
  const chart = firstChart(RESULT);
  const pie = { ...firstTrace(RESULT), type: "Pie" as const };

  it("reports what is missing until values and labels are chosen", () => {
    expect(missing(pie)).toContain("Values");
    expect(missing({ ...pie, values: "share" })).toContain("Labels");
    expect(figure({ ...chart, traces: [pie] }, RESULT).data).toEqual([]);
  });

  it("has the chosen values and labels", () => {
    const chosen = { ...chart, traces: [{ ...pie, values: "share", labels: "state" }], hole: 0.4 };
    expect(figure(chosen, RESULT).data).toEqual([{ type: "pie", values: [12.5, null], labels: ["CA", "NV"], hole: 0.4, name: "share" }]);
    expect(described({ ...chosen, title: "Shares" })).toBe("Shares: pie of share by state");
  });
});

describe("every type", () => {
  it.each(TYPES)("%s is drawn from the chosen columns", (type) => {
    const chart = firstChart(RESULT);
    const trace = { ...firstTrace(RESULT), type, values: "share", labels: "state" };
    expect(figure({ ...chart, traces: [trace] }, RESULT).data).toHaveLength(1);
  });
});
