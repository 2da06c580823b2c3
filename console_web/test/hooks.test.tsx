import { renderHook } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useLoad } from "../src/hooks";
import { wait } from "./time";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("useLoad", () => {
  it("loads a value again after a failure if the value is loaded repeatedly", async () => {
    const load = vi.fn(() => (load.mock.calls.length === 2 ? Promise.reject(new Error("It failed.")) : Promise.resolve(load.mock.calls.length)));
    const { result } = renderHook(() => useLoad<number>(load, [], { milliseconds: 100, while: () => true }));
    await wait(0);
    expect(result.current.value).toBe(1);
    await wait(100);
    expect(result.current).toMatchObject({ value: 1, error: { message: "It failed." } });
    await wait(2000);
    expect(result.current).toMatchObject({ value: 3, error: undefined });
  });

  it("loads a value once if the value is not loaded repeatedly", async () => {
    const load = vi.fn(() => Promise.reject(new Error("It failed.")));
    renderHook(() => useLoad(load, []));
    await wait(60_000);
    expect(load).toHaveBeenCalledOnce();
  });

  it("does not try again after the page is closed", async () => {
    const load = vi.fn(() => Promise.reject(new Error("It failed.")));
    const { unmount } = renderHook(() => useLoad(load, [], { milliseconds: 100, while: () => true }));
    await wait(0);
    unmount();
    await wait(60_000);
    expect(load).toHaveBeenCalledOnce();
  });
});
