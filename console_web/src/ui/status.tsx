import type { VNode } from "preact";

const GOOD = new Set(["ACTIVE", "AVAILABLE", "ENABLED", "SUCCEEDED", "OK", "Completed", "Enabled", "Active", "Available"]);
const BAD = new Set(["FAILED", "NEEDS_ATTENTION", "ALARM", "Failed", "CANCELLED", "Canceled"]);
const BUSY = new Set(["CREATING", "DELETING", "MODIFYING", "SYNCING", "UPDATING", "QUEUED", "RUNNING", "Running", "ENABLING"]);

/** A state, as AWS writes it, with an icon, so that no information depends on color alone. */
export function Status({ value, text }: { value: string; text?: string }): VNode {
  const kind = GOOD.has(value) ? "good" : BAD.has(value) ? "bad" : BUSY.has(value) ? "busy" : "plain";
  const sign = { good: "✓", bad: "✕", busy: "…", plain: "○" }[kind];
  return <span class={`state ${kind}`}><span aria-hidden="true">{sign}</span> {text ?? value}</span>;
}
