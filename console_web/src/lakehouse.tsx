import type { ComponentChildren, VNode } from "preact";
import { useRef } from "preact/hooks";
import { ask, type ApiError } from "./api";
import { useAction, useLoad } from "./hooks";
import { Button, ErrorBox, Page, PageVisible } from "./ui";

interface LakehouseStatus {
  state: "running" | "starting" | "stopped";
  message?: string;
}

const LOOK = 500;
const WATCH = 5000;

/** The page while the local lakehouse is running, or instructions for starting the lakehouse. */
export function LakehouseGate({ children }: { children: ComponentChildren }): VNode {
  const status = useLoad<LakehouseStatus>(() => ask("status"), [], {
    milliseconds: (found) => (found.state === "running" ? WATCH : LOOK), while: () => true,
  });
  const { value: now, error } = status;
  const ran = useRef(false);
  ran.current ||= now?.state === "running";
  const running = now?.state === "running" && !error;
  // Text that the user typed is kept while the lakehouse is not running.
  return (
    <>
      {!running && <Instead now={now} error={error} onChanged={status.reload} />}
      {ran.current && <PageVisible.Provider value={running}><div hidden={!running}>{children}</div></PageVisible.Provider>}
    </>
  );
}

interface InsteadProps {
  now: LakehouseStatus | undefined;
  error: ApiError | undefined;
  onChanged: () => void;
}

function Instead({ now, error, onChanged }: InsteadProps): VNode {
  const starting = useAction();
  if (error?.code === "NoToken") {
    return (
      <Page title="This page requires a token">
        <p>{error.message} In a notebook, <code>zetl.console(lab)</code> shows a link that contains the token.</p>
      </Page>
    );
  }
  if (error) return <Page title="The practice console does not respond"><ErrorBox error={error} onRetry={onChanged} /></Page>;
  if (!now) return <p class="loading" role="status">Connecting to the local lakehouse…</p>;
  return (
    <Page title={now.state === "starting" ? "The local lakehouse is starting" : "The local lakehouse is stopped"}>
      <p role="status">{now.state === "starting" ? "This takes a few seconds." : now.message}</p>
      <ErrorBox error={starting.error} />
      {now.state === "stopped" && (
        <Button primary busy={starting.busy} onClick={() => void starting.run(async () => { await ask("start"); onChanged(); })}>
          Start local lakehouse
        </Button>
      )}
    </Page>
  );
}
