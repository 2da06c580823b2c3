import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { all, ApiError, ask, call, calls, clearCalls } from "../src/api";

const same = { boto3: "glue.x()", cli: "aws glue x" };
const answer = (status: number, document: unknown): void => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(document), { status }))));
};

beforeEach(clearCalls);
afterEach(() => vi.unstubAllGlobals());

describe("call", () => {
  it("returns the response and records the call", async () => {
    answer(200, { answer: { a: 1 }, same });
    expect(await call("glue", "GetDatabases", {}, { helper: "zetl.target" })).toEqual({ a: 1 });
    expect(calls()).toMatchObject([{ service: "glue", operation: "GetDatabases", ...same, helper: "zetl.target" }]);
  });

  it("throws an error with AWS's code and message, and records the failed call", async () => {
    answer(400, { error: { code: "EntityNotFoundException", message: "none" }, same });
    await expect(call("glue", "GetTable")).rejects.toMatchObject({ code: "EntityNotFoundException", message: "none" });
    expect(calls()[0]?.error).toBe("EntityNotFoundException");
  });

  it("records repeated calls once, and never records quiet calls", async () => {
    answer(200, { answer: {}, same });
    await call("glue", "GetDatabases");
    answer(200, { answer: {}, same });
    await call("glue", "GetDatabases");
    answer(200, { answer: {}, same: { boto3: "other", cli: "other" } });
    await call("glue", "GetTables", {}, { quiet: true });
    expect(calls()).toHaveLength(1);
  });

  it("reports that the console has stopped", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("failed"))));
    await expect(ask("status")).rejects.toMatchObject({ code: "ConsoleStopped" });
    await expect(ask("status")).rejects.toBeInstanceOf(ApiError);
  });
});

describe("all", () => {
  it("requests all pages, one after another", async () => {
    const pages = [{ Items: [1, 2], NextToken: "a" }, { Items: [3], NextToken: "b" }, { Items: [], NextToken: null }];
    const sent: unknown[] = [];
    vi.stubGlobal("fetch", vi.fn((_: string, { body }: { body: string }) => {
      sent.push((JSON.parse(body) as { params: unknown }).params);
      return Promise.resolve(new Response(JSON.stringify({ answer: pages[sent.length - 1], same })));
    }));
    expect(await all("glue", "GetDatabases", { a: 1 }, "Items")).toEqual([1, 2, 3]);
    expect(sent).toEqual([{ a: 1 }, { a: 1, NextToken: "a" }, { a: 1, NextToken: "b" }]);
  });
});
