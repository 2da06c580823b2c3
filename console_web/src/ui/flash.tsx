import type { ComponentChildren, VNode } from "preact";
import { createContext } from "preact";
import { useCallback, useContext, useState } from "preact/hooks";
import type { ApiError } from "../api";

export type FlashKind = "success" | "info" | "error";

interface Message {
  id: number;
  kind: FlashKind;
  text: string;
}

type Add = (kind: FlashKind, text: string) => void;

const Flashes = createContext<Add>(() => undefined);
let last = 0;

/** Messages at the top of the page, which stay until they are dismissed and which screen readers announce. */
export function Flash({ children }: { children: ComponentChildren }): VNode {
  const [messages, setMessages] = useState<Message[]>([]);
  const add = useCallback<Add>((kind, text) => {
    last += 1;
    setMessages((old) => [...old.slice(-3), { id: last, kind, text }]);
  }, []);
  return (
    <Flashes.Provider value={add}>
      <div class="flashes" role="status" aria-label="Messages">
        {messages.map(({ id, kind, text }) => (
          <div key={id} class={`flash ${kind}`}>
            <span>{text}</span>
            <button
              type="button"
              class="plain"
              aria-label="Dismiss message"
              onClick={() => setMessages((old) => old.filter((message) => message.id !== id))}
            >
              ✕
            </button>
          </div>
        ))}
      </div>
      {children}
    </Flashes.Provider>
  );
}

/** Return the function that shows a message at the top of the page. */
export function useFlash(): Add {
  return useContext(Flashes);
}

/** An AWS error with its code, shown where it happened. */
export function ErrorBox({ error, onRetry }: { error: ApiError | undefined; onRetry?: () => void }): VNode | null {
  if (!error) return null;
  return (
    <div class="flash error" role="alert">
      <span><strong>{error.code}</strong> {error.message}</span>
      {onRetry && <button type="button" class="button" onClick={onRetry}>Retry</button>}
    </div>
  );
}

export function Loading({ what }: { what: string }): VNode {
  return <p class="loading" role="status">Loading {what}…</p>;
}

export function Empty({ children }: { children: ComponentChildren }): VNode {
  return <div class="empty">{children}</div>;
}
