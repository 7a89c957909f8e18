// The memory of a page and its workers after garbage collection: each one's heap, and the buffers that the heap refers to.
import type { CDPSession, Page } from "playwright-core";

/** The memory of a page or a worker in bytes. */
export interface Held {
  readonly name: string;
  /** The JavaScript heap. */
  readonly heap: number;
  /** Typed arrays and WebAssembly memory. */
  readonly buffers: number;
}

interface Usage {
  readonly usedSize: number;
  readonly backingStorageSize: number;
}

/** Sends a command to a page or a worker of it. */
type Send = (method: string) => Promise<unknown>;

const patience = 60_000;

/** A worker has its own session, whose messages are wrapped in those of its page. */
function sendTo(page: CDPSession, sessionId: string): Send {
  const waiting = new Map<number, (result: unknown) => void>();
  page.on("Target.receivedMessageFromTarget", (event) => {
    if (event.sessionId !== sessionId) return;
    const { id, result } = JSON.parse(event.message) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let next = 1;
  return async (method) => {
    const id = next++;
    const answer = new Promise<unknown>((resolve, reject) => {
      waiting.set(id, resolve);
      setTimeout(() => reject(new Error(`a worker did not answer ${method} within ${patience} ms`)), patience).unref();
    });
    await page.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
    return answer;
  };
}

export class Heaps {
  readonly #cdp: CDPSession;
  readonly #workers = new Map<string, { readonly name: string; readonly send: Send }>();

  private constructor(cdp: CDPSession) {
    this.#cdp = cdp;
    cdp.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type !== "worker") return;
      const name = targetInfo.url.endsWith("#text") ? "worker of texts" : "worker";
      this.#workers.set(sessionId, { name, send: sendTo(cdp, sessionId) });
    });
    cdp.on("Target.detachedFromTarget", ({ sessionId }) => void this.#workers.delete(sessionId));
  }

  static async of(page: Page): Promise<Heaps> {
    const cdp = await page.context().newCDPSession(page);
    const heaps = new Heaps(cdp);
    await cdp.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    return heaps;
  }

  async held(): Promise<readonly Held[]> {
    const page: Send = (method) => this.#cdp.send(method as "Runtime.getHeapUsage");
    const all = [{ name: "page", send: page }, ...this.#workers.values()];
    return Promise.all(
      all.map(async ({ name, send }) => {
        await send("HeapProfiler.collectGarbage");
        const { usedSize, backingStorageSize } = (await send("Runtime.getHeapUsage")) as Usage;
        return { name, heap: usedSize, buffers: backingStorageSize };
      }),
    );
  }
}
