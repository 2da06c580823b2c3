import { render } from "preact";
import { expect, it } from "vitest";
import { LocationProvider, useLocation } from "../src/router";

it("follows an address that changes before the page is painted", async () => {
  const box = document.createElement("div");
  const Path = (): string => useLocation().path;
  render(<LocationProvider><Path /></LocationProvider>, box);
  window.location.hash = "#/dynamodb/tables";
  window.dispatchEvent(new Event("hashchange"));
  await Promise.resolve();
  expect(box.textContent).toBe("/dynamodb/tables");
  render(null, box);
});
