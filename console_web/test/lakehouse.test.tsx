import { act, fireEvent, render, screen } from "@testing-library/preact";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LakehouseGate } from "../src/lakehouse";
import { Modal, TextField } from "../src/ui";
import { serve } from "./backend";
import { wait } from "./time";

const open = (): boolean | undefined => document.querySelector("dialog")?.open;

let state = "running";
let dialog: (shown: boolean) => void = () => undefined;

function Dialog(): VNode | null {
  const [shown, setShown] = useState(false);
  const [name, setName] = useState("");
  dialog = setShown;
  return shown ? <Modal title="Create it" onClose={vi.fn()}><TextField label="Name" value={name} onChange={setName} /></Modal> : null;
}

async function start(): Promise<void> {
  state = "running";
  serve({ status: () => ({ state }) });
  render(<LakehouseGate><button>Create</button><Dialog /></LakehouseGate>);
  await wait(0);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a dialog", () => {
  it("is closed while the lakehouse is stopped, and is then shown again with its text", async () => {
    await start();
    void act(() => dialog(true));
    expect(open()).toBe(true);
    fireEvent.input(screen.getByLabelText("Name"), { target: { value: "accounts" } });
    state = "stopped";
    await wait(5000);
    expect(screen.getByText("Start local lakehouse")).toBeTruthy();
    expect(open()).toBe(false);
    state = "running";
    await wait(500);
    expect(open()).toBe(true);
    expect(screen.getByLabelText("Name")).toHaveProperty("value", "accounts");
  });

  it("is not shown while the lakehouse is stopped, even if it is opened then", async () => {
    await start();
    state = "stopped";
    await wait(5000);
    void act(() => dialog(true));
    expect(open()).toBe(false);
    state = "running";
    await wait(500);
    expect(open()).toBe(true);
  });

  it("returns the focus to the element that had it before, even if the lakehouse was stopped", async () => {
    await start();
    screen.getByText("Create").focus();
    void act(() => dialog(true));
    screen.getByLabelText("Name").focus();
    state = "stopped";
    await wait(5000);
    state = "running";
    await wait(500);
    void act(() => dialog(false));
    expect(document.activeElement?.textContent).toBe("Create");
  });
});
