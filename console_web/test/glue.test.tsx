import { act, render, renderHook, screen } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/api";
import { useIntegrations } from "../src/glue/integration_table";
import { Prerequisites } from "../src/glue/prerequisites";
import { EMPTY } from "../src/glue/wizard_model";
import { serve } from "./backend";
import { wait } from "./time";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("useIntegrations", () => {
  let status = "ACTIVE";
  let broken = false;
  const shown = async (): Promise<{ current: ReturnType<typeof useIntegrations> }> => {
    status = "ACTIVE";
    broken = false;
    serve({
      "glue.DescribeIntegrations": () => {
        if (broken) throw new ApiError("InternalServerException", "It failed.");
        return { Integrations: [{ IntegrationName: "a", Status: status }] };
      },
    });
    const { result } = renderHook(useIntegrations);
    await wait(0);
    await wait(0);
    return result;
  };

  it("reports that reloading settled integrations fails, and recovers", async () => {
    const result = await shown();
    expect(result.current).toMatchObject({ value: [{ Status: "ACTIVE" }], error: undefined });
    broken = true;
    await wait(3000);
    expect(result.current.error?.message).toBe("It failed.");
    broken = false;
    await wait(2000);
    expect(result.current.error).toBeUndefined();
  });

  it("shows the new statuses immediately after a reload", async () => {
    const result = await shown();
    status = "NEEDS_ATTENTION";
    void act(result.current.reload);
    await wait(0);
    expect(result.current.value).toMatchObject([{ Status: "NEEDS_ATTENTION" }]);
  });

  it("never returns to an earlier status", async () => {
    const result = await shown();
    status = "DELETING";
    void act(result.current.reload);
    await wait(0);
    expect(result.current.value).toMatchObject([{ Status: "DELETING" }]);
    status = "FAILED";
    await wait(700);
    expect(result.current.value).toMatchObject([{ Status: "FAILED" }]);
  });
});

describe("Prerequisites", () => {
  it("are checked again until none is missing", async () => {
    const read = vi.fn();
    let enabled = "DISABLED";
    serve({
      "dynamodb.DescribeContinuousBackups": () => {
        read();
        return { ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: enabled } } };
      },
      "dynamodb.GetResourcePolicy": () => ({ Policy: "dynamodb:ExportTableToPointInTime" }),
    });
    render(<Prerequisites draft={{ ...EMPTY, tableArn: "arn:aws:dynamodb:us-east-1:123456789012:table/accounts" }} />);
    await wait(0);
    expect(screen.getByText("Missing")).toBeTruthy();
    enabled = "ENABLED";
    await wait(2000);
    expect(screen.queryByText("Missing")).toBeNull();
    expect(screen.getAllByText("Done")).toHaveLength(2);
    const reads = read.mock.calls.length;
    await wait(60_000);
    expect(read).toHaveBeenCalledTimes(reads);
  });
});
