import { fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, expect, it, vi } from "vitest";
import { App } from "../src/app";
import { serve } from "./backend";

afterEach(() => {
  vi.unstubAllGlobals();
  window.location.hash = "";
});

it("opens an empty querybook after a new querybook was saved", async () => {
  serve({
    "status": () => ({ state: "running" }),
    "lab": () => ({ database: "customerdb" }),
    "glue.GetTables": () => ({ TableList: [] }),
    "querybooks/save": () => ({ id: "b1" }),
  });
  window.location.hash = "#/studio/query";
  render(<App />);
  const name = await waitFor(() => screen.getByLabelText<HTMLInputElement>("Querybook name"));
  fireEvent.input(name, { target: { value: "Churn" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(window.location.hash).toBe("#/studio/query/b1"));
  fireEvent.click(screen.getByRole("button", { name: /^Actions/ }));
  fireEvent.click(screen.getByRole("menuitem", { name: "New querybook" }));
  await waitFor(() => expect(screen.getByLabelText("Querybook name")).toHaveProperty("value", "Untitled querybook"));
  expect(window.location.hash).toBe("#/studio/query");
});
