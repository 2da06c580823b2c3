import { describe, expect, it } from "vitest";
import { href, match, parseHash } from "../src/router";

describe("match", () => {
  it("returns the parameters of a path", () => {
    expect(match("/glue/databases/:database", "/glue/databases/customerdb")).toEqual({ database: "customerdb" });
  });
  it("accepts names with slashes and other characters unchanged", () => {
    const name = "a/b c?#<script>%";
    expect(match("/s3/:bucket", parseHash(href("/s3/:bucket", { bucket: name })).path)).toEqual({ bucket: name });
  });
  it("rejects other paths, longer paths and invalid escapes", () => {
    expect(match("/s3/:bucket", "/glue/x")).toBeUndefined();
    expect(match("/s3/:bucket", "/s3/x/y")).toBeUndefined();
    expect(match("/s3/:bucket", "/s3/%E0%A4%A")).toBeUndefined();
  });
});
