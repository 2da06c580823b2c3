/** Hooks that load values, and reload them while they change. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Loaded<T> {
  value: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  /** Load the value again. The old value is shown until the new value arrives. */
  reload: () => void;
}

/** The milliseconds until a value is loaded again after a failure. */
const PAUSE = 2000;

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("Page", error instanceof Error ? error.message : String(error));
}

/**
 * Load a value, and load it again when `keys` change.
 * If `every` is given and its condition `while` is true for the value, load the value again after `milliseconds`.
 * If `every` is given and loading fails, try again after a pause.
 */
export function useLoad<T>(
  load: (again: boolean) => Promise<T>, keys: unknown[], every?: { milliseconds: number | ((value: T) => number); while: (value: T) => boolean },
): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: ApiError | undefined; loading: boolean }>({
    value: undefined, error: undefined, loading: true,
  });
  const [count, setCount] = useState(0);
  const latest = useRef({ load, every });
  latest.current = { load, every };
  const key = JSON.stringify(keys);
  const shown = useRef(key);
  useEffect(() => {
    let over = false;
    let timer: number | undefined;
    const changed = shown.current !== key;
    shown.current = key;
    setState((old) => ({ value: changed ? undefined : old.value, error: undefined, loading: true }));
    const run = (again: boolean): void => {
      latest.current.load(again).then(
        (value) => {
          if (over) return;
          setState({ value, error: undefined, loading: false });
          const again_ = latest.current.every;
          if (!again_?.while(value)) return;
          const { milliseconds } = again_;
          timer = window.setTimeout(() => run(true), typeof milliseconds === "number" ? milliseconds : milliseconds(value));
        },
        (error: unknown) => {
          if (over) return;
          setState((old) => ({ value: old.value, error: asApiError(error), loading: false }));
          if (latest.current.every) timer = window.setTimeout(() => run(true), PAUSE);
        },
      );
    };
    run(count > 0);
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [key, count]);
  const reload = useCallback(() => setCount((old) => old + 1), []);
  return { ...state, reload };
}

export interface Action {
  busy: boolean;
  error: ApiError | undefined;
  /** Run one action at a time, and keep its error for display. The promise resolves to true if the action succeeded. */
  run: (work: () => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

export function useAction(): Action {
  const [state, setState] = useState<{ busy: boolean; error: ApiError | undefined }>({ busy: false, error: undefined });
  const running = useRef(false);
  const run = useCallback(async (work: () => Promise<void>) => {
    if (running.current) return false;
    running.current = true;
    setState({ busy: true, error: undefined });
    try {
      await work();
      setState({ busy: false, error: undefined });
      return true;
    } catch (error) {
      setState({ busy: false, error: asApiError(error) });
      return false;
    } finally {
      running.current = false;
    }
  }, []);
  const clear = useCallback(() => setState({ busy: false, error: undefined }), []);
  return { ...state, run, clear };
}

const dark = (): MediaQueryList => window.matchMedia("(prefers-color-scheme: dark)");

/** Return whether the page is in the dark color scheme. The value is updated when the scheme changes. */
export function useDark(): boolean {
  const [is, set] = useState(() => dark().matches);
  useEffect(() => {
    const query = dark();
    const update = (): void => set(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return is;
}
