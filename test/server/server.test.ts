// The Studio's server under attack: foreign names, random, slow and huge requests. It keeps running, and serves only its files.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalServer, serveLocally } from "../../src/cli/localServer.ts";
import {
  answersIn,
  checkAlive,
  exchange,
  hugeRequests,
  manyAtOnce,
  randomRequests,
  slowRequests,
  type Target,
} from "./attack.ts";

const files = new Map<string, Uint8Array>([
  ["index.html", Buffer.from("<!doctype html><script>let first;</script><script src=a.js></script>")],
  ["studio.js", Buffer.alloc(3_000_000, "x")],
  ["table.csv", Buffer.from("a,b\n1,a secret of the user\n")],
]);
const quick = { requestTime: 400, answerTime: 2000 };
let served: LocalServer;
let target: Target;

beforeAll(async () => {
  served = await serveLocally(files, 0, quick);
  target = { port: Number(new URL(served.address).port), files };
});
afterAll(() => {
  served.server.closeAllConnections();
  served.server.close();
});

/** The status of the answer to one request; none if the connection was closed. */
async function ask(lines: readonly string[]): Promise<{ status: number | undefined; headers: string; body: string }> {
  const [answer] = answersIn(await exchange(target.port, Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")));
  return { status: answer?.status, headers: answer?.headers ?? "", body: answer?.body.toString() ?? "" };
}
const own = (): string => `127.0.0.1:${target.port}`;

describe("requests that crash or deceive a server", () => {
  test.each([
    "GET // HTTP/1.1",
    "GET /// HTTP/1.1",
    "GET //evil.example/ HTTP/1.1",
    "GET /\\ HTTP/1.1",
    "GET /%00 HTTP/1.1",
    "GET /%zz HTTP/1.1",
    "GET /table.csv/ HTTP/1.1",
    "GET /./table.csv HTTP/1.1",
    "GET /x/../table.csv HTTP/1.1",
    "GET /%74able.csv HTTP/1.1",
    "GET /../../../../etc/passwd HTTP/1.1",
    "GET /__proto__ HTTP/1.1",
    "GET http://127.0.0.1/table.csv HTTP/1.1",
    "GET http://evil.example/ HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "CONNECT evil.example:443 HTTP/1.1",
    "TRACE / HTTP/1.1",
    "POST / HTTP/1.1",
    "PRI * HTTP/2.0",
  ])("%s", async (line) => {
    const { status, body } = await ask([line, `Host: ${own()}`]);
    expect([undefined, 400, 403, 404, 405, 501, 505]).toContain(status);
    expect(body).toBe("");
    await checkAlive(target);
  });

  test.each([
    "Upgrade: websocket\r\nConnection: Upgrade",
    "Upgrade: h2c\r\nConnection: Upgrade",
    "Expect: 100-continue",
  ])("%j counts as a plain request", async (line) => {
    const { status } = await ask(["GET /table.csv HTTP/1.1", `Host: ${own()}`, line]);
    expect([100, 200, 417]).toContain(status);
    await checkAlive(target);
  });
});

describe("other pages and other names", () => {
  test.each([
    ["127.0.0.1:PORT", 200],
    ["localhost:PORT", 200],
    ["LOCALHOST:PORT", 200],
    ["127.0.0.1", 403],
    ["localhost", 403],
    ["127.0.0.1:1", 403],
    ["evil.example", 403],
    ["evil.example:PORT", 403],
    ["localhost.evil.example:PORT", 403],
    ["127.0.0.1.evil.example:PORT", 403],
    ["localhost.:PORT", 403],
    ["user@localhost:PORT", 403],
    ["0.0.0.0:PORT", 403],
    ["[::1]:PORT", 403],
  ])("Host %s: %i", async (host, wanted) => {
    const { status, body } = await ask([
      "GET /table.csv HTTP/1.1",
      `Host: ${host.replace("PORT", String(target.port))}`,
    ]);
    expect(status).toBe(wanted);
    expect(body).toBe(wanted === 200 ? Buffer.from(files.get("table.csv") ?? []).toString() : "");
  });

  test("two names, and none", async () => {
    for (const order of [
      [own(), "evil.example"],
      ["evil.example", own()],
      [own(), own()],
    ])
      expect((await ask(["GET /table.csv HTTP/1.1", ...order.map((host) => `Host: ${host}`)])).body).toBe("");
    for (const version of ["1.0", "1.1"]) expect((await ask([`GET /table.csv HTTP/${version}`])).body).toBe("");
  });

  test.each<[string, readonly string[], number]>([
    ["a script of its own", ["Origin: http://127.0.0.1:PORT", "Sec-Fetch-Site: same-origin"], 200],
    ["the address bar", ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"], 200],
    [
      "a link of another page",
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
      200,
    ],
    [
      "a frame of another page",
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
      403,
    ],
    [
      "a picture in another page",
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
      403,
    ],
    [
      "another port of this machine",
      ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"],
      403,
    ],
    ["a script of another page", ["Origin: http://evil.example"], 403],
    ["a page that hides its origin", ["Origin: null"], 403],
    ["the same name by https", ["Origin: https://127.0.0.1:PORT"], 403],
  ])("%s: %j", async (_, lines, wanted) => {
    const named = lines.map((line) => line.replace("PORT", String(target.port)));
    const { status, body } = await ask(["GET /table.csv HTTP/1.1", `Host: ${own()}`, ...named]);
    expect(status).toBe(wanted);
    expect(body !== "").toBe(wanted === 200);
  });
});

test("every answer has the headers that isolate it from other pages", async () => {
  for (const line of ["GET / HTTP/1.1", "HEAD /table.csv HTTP/1.1", "GET /nothing HTTP/1.1", "POST / HTTP/1.1"]) {
    const { headers } = await ask([line, `Host: ${own()}`]);
    for (const wanted of [
      "Cross-Origin-Opener-Policy: same-origin",
      "Cross-Origin-Embedder-Policy: require-corp",
      "Cross-Origin-Resource-Policy: same-origin",
      "X-Content-Type-Options: nosniff",
      "X-Frame-Options: DENY",
      "Referrer-Policy: no-referrer",
      "Cache-Control: no-store",
    ])
      expect(headers, line).toContain(wanted);
    const policy = /^Content-Security-Policy: (.*)$/m.exec(headers)?.[1] ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("'unsafe-inline'");
    expect(policy).not.toContain("'unsafe-eval'");
  }
});

describe("attacks", () => {
  test("600 random requests", async () => {
    const statuses = await randomRequests(target, 600, 1);
    // Some of them are valid, and get their file.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(0);
    expect(statuses.get(403) ?? 0).toBeGreaterThan(50);
    expect(statuses.get(500)).toBeUndefined();
  });
  test("endless headers and bodies", () => hugeRequests(target, 2 ** 26));
  test("connections that never finish a request are closed", () => slowRequests(target, 40, quick.requestTime));
  test("more connections than the limit, all reading nothing", () => manyAtOnce(target, 400));
  test("a port that is taken or forbidden is named", async () => {
    await expect(serveLocally(files, target.port)).rejects.toThrow(`port ${target.port} of 127.0.0.1 is in use`);
  });
});
