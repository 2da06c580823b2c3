import { expect, test } from "vitest";
import { counted } from "../src/lab";

test.each([
  [0, "0 rows"], [1, "1 row"], [2, "2 rows"], [1_000, "1,000 rows"],
])("a count of %d is followed by the singular or plural noun", (value, text) => {
  expect(counted(value, "row")).toBe(text);
});
