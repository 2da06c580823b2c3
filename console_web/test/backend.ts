import { vi } from "vitest";
import { ApiError } from "../src/api";

type Params = Record<string, unknown>;

/**
 * Stand in for the console's backend.
 * The keys are endpoints, such as `status`, and operations, such as `athena.StopQueryExecution`. An unknown key fails.
 */
export function serve(responses: Record<string, (params: Params) => unknown>): void {
  vi.stubGlobal("fetch", async (address: string, { body }: { body: string }) => {
    const path = address.replace("/api/", "");
    const sent = JSON.parse(body) as Params;
    const { service, operation, params } = sent as { service: string; operation: string; params: Params };
    const [key, given] = path === "call" ? [`${service}.${operation}`, params] : [path, sent];
    try {
      const respond = responses[key];
      if (!respond) throw new ApiError("Unknown", key);
      const answer = await respond(given);
      return new Response(JSON.stringify(path === "call" ? { answer } : answer));
    } catch (error) {
      const { code, message } = error as ApiError;
      return new Response(JSON.stringify({ error: { code, message } }), { status: 400 });
    }
  });
}
