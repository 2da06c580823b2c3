import { act } from "@testing-library/preact";
import { vi } from "vitest";

/** Advance the fake time, and render the changes. */
export async function wait(milliseconds: number): Promise<void> {
  await act(async () => { await vi.advanceTimersByTimeAsync(milliseconds); });
}
