// Models of the hub, through a fetch that replaces the network: fetched once, checked, offline from then on.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/formats/index.ts";
import { loadPretrained } from "../../src/models/node.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { folderOf } from "./golden.ts";

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "hebb-hub-"));
});
afterEach(() => removeFolder(cache));

interface Hub {
  readonly fetch: typeof fetch;
  /** Paths of the files that were sent. */
  readonly sent: string[];
  change: (path: string, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/** Answers like the hub: the size and a checksum for one byte, then the file. */
function hubOf(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Hub {
  const hub: Hub = {
    sent: [],
    change: (_, bytes) => bytes,
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input instanceof Request ? input.url : input));
      const path = /^\/someone\/tiny\/resolve\/main\/(.*)$/.exec(pathname)?.[1];
      if (path === undefined) return new Response("no such model", { status: 404 });
      const bytes = files.get(path);
      if (bytes === undefined)
        return new Response("no such file", { status: 404, headers: { "x-error-code": "EntryNotFound" } });
      const etag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
      if (new Headers(init?.headers).get("range") === "bytes=0-0")
        return new Response(bytes.slice(0, 1), {
          status: 206,
          headers: { etag, "content-range": `bytes 0-0/${bytes.length}` },
        });
      hub.sent.push(path);
      return new Response(hub.change(path, bytes), { headers: { etag } });
    },
  };
  return hub;
}

const fileOf = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(folderOf(name)));
const whole = (): Map<string, Uint8Array<ArrayBuffer>> =>
  new Map(["config.json", "model.safetensors"].map((name) => [name, fileOf(`gpt2/${name}`)]));

const offline: typeof fetch = async () => {
  throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND huggingface.co") });
};

describe("loadPretrained by a name of the hub", () => {
  it("fetches each file once, and works offline from then on", async () => {
    const hub = hubOf(whole());
    const { model, name } = await loadPretrained("someone/tiny", { cache, fetch: hub.fetch });
    expect(name).toBe("someone/tiny");
    expect(hub.sent.sort()).toEqual(["config.json", "model.safetensors"]);
    const again = await loadPretrained("someone/tiny", { cache, fetch: offline });
    expect(again.model.stateDict()["body.norm.weight"]?.dataSync()).toEqual(
      model.stateDict()["body.norm.weight"]?.dataSync(),
    );
  });

  it("fetches the shards that an index names, and none outside the folder", async () => {
    const { tensors } = readSafetensors(fileOf("gpt2/model.safetensors"));
    const names = Object.keys(tensors);
    const shard = (place: number): string => `model-0000${place + 1}-of-00002.safetensors`;
    const part = (place: number): Uint8Array<ArrayBuffer> =>
      new Uint8Array(writeSafetensors(Object.fromEntries(Object.entries(tensors).filter((_, i) => i % 2 === place))));
    const index = (file: (place: number) => string): Uint8Array<ArrayBuffer> =>
      new Uint8Array(
        new TextEncoder().encode(
          JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(names.map((name, i) => [name, file(i % 2)])) }),
        ),
      );
    const files = new Map([
      ["config.json", fileOf("gpt2/config.json")],
      ["model.safetensors.index.json", index(shard)],
      [shard(0), part(0)],
      [shard(1), part(1)],
    ]);
    const hub = hubOf(files);
    await loadPretrained("someone/tiny", { cache, fetch: hub.fetch });
    expect(hub.sent).toContain(shard(1));
    files.set(
      "model.safetensors.index.json",
      index(() => "../../escape.safetensors"),
    );
    const other = join(cache, "other");
    await expect(loadPretrained("someone/tiny", { cache: other, fetch: hubOf(files).fetch })).rejects.toThrow(
      "is not the name of a file beside it",
    );
  });

  it("detects damage in transit and in the cache", async () => {
    const hub = hubOf(whole());
    hub.change = (path, bytes) =>
      path === "model.safetensors" ? bytes.map((byte, i) => (i === 999 ? byte ^ 1 : byte)) : bytes;
    await expect(loadPretrained("someone/tiny", { cache, fetch: hub.fetch })).rejects.toThrow("its checksum is not");
    const place = join(cache, "someone--tiny", "main", "model.safetensors");
    expect(existsSync(place)).toBe(false);
    hub.change = (_, bytes) => bytes.slice(0, -1);
    await expect(loadPretrained("someone/tiny", { cache, fetch: hub.fetch })).rejects.toThrow("the hub says");
    hub.change = (_, bytes) => bytes;
    await loadPretrained("someone/tiny", { cache, fetch: hub.fetch });
    writeFileSync(place, readFileSync(place).fill(7, 500, 600));
    const fetched = hub.sent.length;
    await loadPretrained("someone/tiny", { cache, fetch: hub.fetch });
    expect(hub.sent.slice(fetched)).toEqual(["model.safetensors"]);
  });

  it("reports a missing network, model, weights or name", async () => {
    await expect(loadPretrained("someone/tiny", { cache, fetch: offline })).rejects.toThrow(
      /could not be fetched \(getaddrinfo ENOTFOUND huggingface.co\); connect to the network/,
    );
    await expect(loadPretrained("no/one", { cache, fetch: hubOf(whole()).fetch })).rejects.toThrow("status 404");
    const files = new Map([["config.json", fileOf("gpt2/config.json")]]);
    await expect(loadPretrained("someone/tiny", { cache, fetch: hubOf(files).fetch })).rejects.toThrow(
      "has no weights",
    );
    await expect(loadPretrained("someone/tiny", { cache, revision: ".." })).rejects.toThrow("the revision must be");
    await expect(loadPretrained("../tiny", { cache })).rejects.toThrow("is not a folder");
  });
});
