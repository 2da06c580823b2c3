import type { ComponentChildren, VNode } from "preact";
import { ask } from "./api";
import { useAction, useLoad } from "./hooks";
import { Button, ErrorBox, Page } from "./ui";

interface LakehouseStatus {
  state: "running" | "starting" | "stopped";
  message?: string;
}

const LOOK = 500;
const WATCH = 5000;

/** Shows the page while the local lakehouse runs, and else says what to do. */
export function LakehouseGate({ children }: { children: ComponentChildren }): VNode {
  const status = useLoad<LakehouseStatus>(() => ask("status"), []);
  const watching = useLoad<LakehouseStatus>(() => ask("status"), ["watch"], {
    milliseconds: status.value?.state === "running" ? WATCH : LOOK,
    while: () => true,
  });
  const now = watching.value ?? status.value;
  const starting = useAction();
  const error = watching.error ?? status.error;
  if (error?.code === "NoToken") {
    return (
      <Page title="This page needs its token">
        <p>{error.message} In a notebook, <code>zetl.console(lab)</code> shows a link that carries it.</p>
      </Page>
    );
  }
  if (error) return <Page title="The practice console does not answer"><ErrorBox error={error} onRetry={watching.reload} /></Page>;
  if (!now) return <p class="loading" role="status">Looking for the local lakehouse…</p>;
  if (now.state === "running") return <>{children}</>;
  return (
    <Page title={now.state === "starting" ? "The local lakehouse is starting" : "The local lakehouse is stopped"}>
      <p role="status">{now.state === "starting" ? "This takes a few seconds." : now.message}</p>
      <ErrorBox error={starting.error} />
      {now.state === "stopped" && (
        <Button primary busy={starting.busy} onClick={() => void starting.run(async () => { await ask("start"); watching.reload(); })}>
          Start local lakehouse
        </Button>
      )}
    </Page>
  );
}
