import { describe, expect, it, test } from "vitest";
import { counted, pretty } from "../src/lab";

test.each([
  [0, "0 rows"], [1, "1 row"], [2, "2 rows"], [1_000, "1,000 rows"],
])("a count of %d is followed by the singular or plural noun", (value, text) => {
  expect(counted(value, "row")).toBe(text);
});

describe("pretty", () => {
  it.each([
    '{"a":[1,{"b":null,"c":[]}],"d":{},"e":-1.5e-7}', "[]", "{}", "[[],{}]", "1", "true", '"text"',
    String.raw`{"a \" b":"{\"c\": [1, 2]}","\\":"\\\\","ü":"\u00fc\n\u2028"}`, ' {\n "a" :\t[ 1 , "b" ] } ',
  ])("indents %s as JSON.stringify does", (text) => {
    expect(pretty(text)).toBe(JSON.stringify(JSON.parse(text), null, 4));
  });

  it("keeps the digits of numbers that JavaScript would round", () => {
    const text = '{"current-snapshot-id":7364824893482374823,"ratio":0.10}';
    expect(pretty(text)).toBe('{\n    "current-snapshot-id": 7364824893482374823,\n    "ratio": 0.10\n}');
  });

  it.each(["", "text", '{"a": 1', '{"a": 1} {"b": 2}', "[01]"])("returns %j unchanged, because it is not JSON", (text) => {
    expect(pretty(text)).toBe(text);
  });
});
