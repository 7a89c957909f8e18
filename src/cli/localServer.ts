// A local web server: answers GET and HEAD with a fixed set of files, only to same-origin requests.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { HebbError } from "../graph/errors.ts";

/** Files by name. Requests are looked up only here: no path reaches the disk. */
export type ServedFiles = ReadonlyMap<string, Uint8Array>;

export interface LocalServer {
  readonly address: string;
  readonly server: Server;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  json: "application/json; charset=utf-8",
};

/** The checksums of the page's own inline scripts, so that no other script runs. */
function inlineScripts(page: Uint8Array | undefined): string {
  const scripts = Buffer.from(page ?? [])
    .toString("utf8")
    .matchAll(/<script>([\s\S]*?)<\/script>/g);
  return Array.from(scripts, ([, text = ""]) => ` 'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(
    "",
  );
}

/** Worker scripts that run programs given as text: the Studio's engine checks the program that it generates. */
const evaluating: ReadonlySet<string> = new Set(["worker.js"]);

/**
 * What each file may do as a page or a worker: its own scripts, workers (threads are made from text), WebAssembly, requests to this server. Nothing
 * else: no frames, forms or plug-ins, nothing from other origins.
 */
export function policyOf(files: ServedFiles): (name: string) => string {
  const inline = inlineScripts(files.get("index.html"));
  const policy = (scripts: string): string =>
    [
      "default-src 'none'",
      `script-src 'self' 'wasm-unsafe-eval'${scripts}`,
      "worker-src 'self' blob:",
      "style-src 'self'",
      "img-src 'self' data: blob:",
      "connect-src 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; ");
  const [page, program] = [policy(inline), policy(" 'unsafe-eval'")];
  return (name) => (evaluating.has(name) ? program : page);
}

/** Timeouts of a request and of its response, in milliseconds. */
export interface Patience {
  readonly requestTime: number;
  readonly answerTime: number;
}

const usual: Patience = { requestTime: 10_000, answerTime: 60_000 };
const mostConnections = 256;

/** The last value of a header that must not occur twice. */
function single(request: IncomingMessage, name: string): string | undefined {
  const values = request.rawHeaders.filter(
    (_, place, all) => place % 2 === 1 && all[place - 1]?.toLowerCase() === name,
  );
  return values.length > 1 ? "" : values[0]?.toLowerCase();
}

/**
 * Whether a request comes from a page of this server, or from the address bar. A foreign name that resolves to 127.0.0.1 (DNS rebinding) shows in
 * Host, another page in Origin and Sec-Fetch-Site.
 */
function isOwn(request: IncomingMessage, hosts: ReadonlySet<string>): boolean {
  const host = single(request, "host");
  if (host === undefined || !hosts.has(host)) return false;
  const origin = single(request, "origin");
  if (origin !== undefined && origin !== `http://${host}`) return false;
  const site = single(request, "sec-fetch-site") ?? "none";
  if (site === "same-origin" || site === "none") return true;
  // Following a link to the page is allowed; everything else is only for this origin.
  return single(request, "sec-fetch-mode") === "navigate" && single(request, "sec-fetch-dest") === "document";
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";

/** The name of the requested file; undefined for anything but a plain path, such as an absolute address or "*". */
function nameOf({ url = "" }: IncomingMessage): string | undefined {
  if (!url.startsWith("/")) return undefined;
  const path = url.slice(1).split(/[?#]/, 1)[0] ?? "";
  return path === "" ? "index.html" : path;
}

/** Serves on 127.0.0.1, on a free port or the given one. Throws HebbError if the port is not available. */
export async function serveLocally(files: ServedFiles, port = 0, patience: Patience = usual): Promise<LocalServer> {
  const { requestTime, answerTime } = patience;
  const hosts = new Set<string>();
  const policy = policyOf(files);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const name = nameOf(request);
    response.setHeader("Content-Security-Policy", policy(name ?? ""));
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("X-Frame-Options", "DENY");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Cache-Control", "no-store");
    const refuse = (status: number): void => {
      // Refused requests are not read any further.
      response.writeHead(status, { Connection: "close", "Content-Length": 0 }).end();
    };
    if (!isOwn(request, hosts)) return refuse(403);
    if (name === undefined || hasBody(request)) return refuse(400);
    const contents = files.get(name);
    if (contents === undefined || (request.method !== "GET" && request.method !== "HEAD")) return refuse(404);
    const late = setTimeout(() => response.destroy(), answerTime);
    response.once("close", () => clearTimeout(late));
    response
      .writeHead(200, {
        "Content-Type": types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
        "Content-Length": contents.byteLength,
      })
      .end(request.method === "HEAD" ? undefined : contents);
  };
  const server = createServer(
    {
      headersTimeout: requestTime,
      requestTimeout: requestTime,
      connectionsCheckingInterval: requestTime / 10,
      keepAliveTimeout: requestTime / 2,
      // A request without one is refused below, with all headers.
      requireHostHeader: false,
    },
    answer,
  );
  // By default Node answers an Expect header other than 100-continue without hebb's headers.
  server.on("checkExpectation", answer);
  server.timeout = answerTime;
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(portError(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  });
  // From here on an error concerns a single connection, for example if no file handle is left: the others continue.
  server.removeAllListeners("error").on("error", () => {});
  const bound = server.address();
  const chosen = typeof bound === "object" && bound !== null ? bound.port : port;
  for (const host of ["127.0.0.1", "localhost"]) {
    hosts.add(`${host}:${chosen}`);
    // Browsers omit the default port of http.
    if (chosen === 80) hosts.add(host);
  }
  return { address: `http://127.0.0.1:${chosen}/`, server };
}

function portError(port: number, error: NodeJS.ErrnoException): HebbError {
  const cure = "choose another with --port, or leave it out";
  switch (error.code) {
    case "EADDRINUSE":
      return new HebbError(`port ${port} of 127.0.0.1 is in use; ${cure}`);
    case "EACCES":
      return new HebbError(`port ${port} of 127.0.0.1 cannot be opened: permission denied; ${cure}`);
    default:
      return new HebbError(`port ${port} of 127.0.0.1 cannot be opened (${error.message}); ${cure}`);
  }
}
