import { describe, expect, it } from "vitest";
import { bytes, csv, distinct, placed, pythonText } from "../../src/studio/run";

describe("the position of an error", () => {
  it.each([
    ["COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved", "SELECT wrong FROM t", "wrong"],
    ["line 2:3: Column 'b.c'", "SELECT a,\n  b.c\nFROM t", "b.c"],
    ["line 1:15: mismatched input", "SELECT a FROM (", "("],
    ["line 9:99: somewhere after the end", "SELECT a", "a"],
    ["line 2:3: Column 'b'", "\n \n  SELECT a,\n  b\nFROM t", "b"],
    ["line 1:8: Column 'b'", "\n  SELECT b", "b"],
  ])("%s", (message, sql, wrong) => {
    const [found] = placed(message, sql);
    expect(sql.slice(found?.from, found?.to)).toBe(wrong);
  });

  it("is missing when Athena does not report it", () => {
    expect(placed("QUERY_EXCEEDED_LIMIT", "SELECT 1")).toEqual([]);
  });
});

describe("exports", () => {
  const result = { id: "1", more: false, scanned: 0, milliseconds: 0 };

  it("doubles quotes, and writes nothing for null", () => {
    const columns = [{ name: "a", type: "varchar" }, { name: 'say "b"', type: "integer" }];
    expect(csv({ ...result, columns, rows: [['x"y', null]] })).toBe('"a","say ""b"""\n"x""y",\n');
  });

  it.each([
    [["id", "name"], ["id", "name"]],
    [["id", "id", "id"], ["id", "id_2", "id_3"]],
    [["id", "id", "id_2"], ["id", "id_3", "id_2"]],
    [["", ""], ["", "_2"]],
  ])("distinguish the names %j", (names, different) => expect(distinct(names)).toEqual(different));

  it.each([[0, "0 bytes"], [1023, "1023 bytes"], [2048, "2.00 KB"], [5 * 2 ** 30, "5.00 GB"]])("%d bytes", (count, text) => {
    expect(bytes(count)).toBe(text);
  });
});

describe("a statement in Python", () => {
  it.each([
    ["SELECT 1\nFROM t", '"""SELECT 1\nFROM t"""'],
    // A literal in triple quotes would end too early here, and a backslash would be read as an escape.
    ['SELECT * FROM "t"', String.raw`"SELECT * FROM \"t\""`],
    ["SELECT '\"\"\") or exit()'", String.raw`"SELECT '\"\"\") or exit()'"`],
    [String.raw`SELECT '\d'`, String.raw`"SELECT '\\d'"`],
    ["SELECT '\u202e'", String.raw`"SELECT '\u202e'"`],
    ["SELECT '😀'", '"""SELECT \'😀\'"""'],
  ])("%s", (sql, literal) => expect(pythonText(sql)).toBe(literal));
});
