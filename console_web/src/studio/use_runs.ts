/** The runs of a querybook's cells. */

import { useCallback, useRef, useState } from "preact/hooks";
import { lab as labNames } from "../api";
import type { Diagnostic } from "../ui";
import { placed, run as runStatement, stop as stopStatement, type Result, type Run } from "./run";

export interface CellRun {
  running: boolean;
  /** The number of result rows that have been read so far. */
  read?: number;
  result?: Result;
  error?: string;
  diagnostics: Diagnostic[];
}

const NOTHING: CellRun = { running: false, diagnostics: [] };

export interface Runs {
  of: (key: string) => CellRun;
  /** Run a cell, and resolve to true if it succeeded and was not stopped. */
  run: (key: string, sql: string, limit: number) => Promise<boolean>;
  stop: (key: string) => Promise<void>;
  /** Clear the position of an error, because the text has changed. */
  edited: (key: string) => void;
  busy: boolean;
}

export function useRuns(): Runs {
  const [runs, setRuns] = useState<Record<string, CellRun>>({});
  const live = useRef(new Map<string, Run>());
  const set = useCallback((key: string, change: (old: CellRun) => CellRun) => {
    setRuns((old) => ({ ...old, [key]: change(old[key] ?? NOTHING) }));
  }, []);
  const run = useCallback(async (key: string, sql: string, limit: number) => {
    if (live.current.has(key)) return false;
    const state: Run = {
      id: undefined, stopped: false, onRows: (read) => set(key, (old) => ({ ...old, read })),
    };
    live.current.set(key, state);
    set(key, (old) => ({ ...old, running: true, read: 0, diagnostics: [] }));
    try {
      const result = await runStatement(sql, await labNames(), limit, state);
      set(key, () => ({ running: false, result, diagnostics: [] }));
      return !state.stopped;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      set(key, () => ({ running: false, error: message, diagnostics: placed(message, sql) }));
      return false;
    } finally {
      live.current.delete(key);
    }
  }, []);
  const stop = useCallback(async (key: string) => {
    const state = live.current.get(key);
    if (!state) return;
    state.stopped = true;
    if (state.id) await stopStatement(state.id);
  }, []);
  const edited = useCallback((key: string) => {
    setRuns((old) => (old[key]?.diagnostics.length ? { ...old, [key]: { ...old[key], diagnostics: [] } } : old));
  }, []);
  return { of: (key) => runs[key] ?? NOTHING, run, stop, edited, busy: Object.values(runs).some(({ running }) => running) };
}
