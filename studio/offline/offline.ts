// The service worker: stores every file of the page, and answers from there if the server does not. The network always comes first.

/** The names of the page's files, and the hash of this version: set by the build. */
declare const hebbFiles: readonly string[];
declare const hebbVersion: string;

/** The service worker types that this file needs, which the page's own types lack. */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: "install" | "activate", listen: (event: Extendable) => void): void;
  addEventListener(kind: "fetch", listen: (event: Fetching) => void): void;
}
declare const self: Scope;

/** Other folders of the same server have separate stores. */
const prefix = `hebb-studio ${self.registration.scope} `;
const store = prefix + hebbVersion;
const addresses = new Map(
  hebbFiles.map((name) => [new URL(name === "index.html" ? "./" : name, self.registration.scope).href, name]),
);

self.addEventListener("install", (event) => {
  const keep = async (): Promise<void> => {
    const cache = await caches.open(store);
    // All or nothing, bypassing the browser's HTTP cache: files of two versions do not work together.
    await cache.addAll([...addresses.keys()].map((address) => new Request(address, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const tidy = async (): Promise<void> => {
    for (const name of await caches.keys()) if (name.startsWith(prefix) && name !== store) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

async function answer(request: Request, address: string): Promise<Response> {
  const stored = async (): Promise<Response> => (await (await caches.open(store)).match(address)) ?? Response.error();
  try {
    const fresh = await fetch(request, { cache: "no-cache" });
    // A gateway answers even if the server behind it is gone.
    return fresh.status >= 500 ? await stored() : fresh;
  } catch {
    return stored();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  // The page itself reads the fragment and the query.
  const address = request.url.replace(/[?#].*$/, "").replace(/\/index\.html$/, "/");
  if (request.method === "GET" && addresses.has(address)) event.respondWith(answer(request, address));
});

export {};
