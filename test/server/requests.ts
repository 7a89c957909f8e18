// Random requests to a web server, like those of an attacker or a broken program; the same seed makes the same ones.
import type { Random } from "../../src/data/index.ts";

/** The bytes to send, and whether a correct server may answer with a file. */
export interface Request {
  readonly bytes: Buffer;
  /** The file that may be returned; undefined: none. */
  readonly file: string | undefined;
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.integer(from.length)] as T;

const segments = [
  "..",
  ".",
  "",
  "%2e%2e",
  "%252e%252e",
  "..%2f..",
  "..%5c..",
  "..\\..",
  "....",
  "%c0%ae%c0%ae",
  "%00",
  "\0",
  "etc",
  "passwd",
  "package.json",
  "secret.txt",
  "link",
  "node_modules",
  "src",
  "index.html",
  "table.csv",
  "C:",
  "CON",
  "__proto__",
  "constructor",
  "toString",
  "~",
  "%",
  "%zz",
  "é",
  "\u202e",
  "*",
  " ",
  "a".repeat(300),
] as const;

const absolute = [
  "/etc/passwd",
  "//etc/passwd",
  "///",
  "//",
  "/\\etc\\passwd",
  "file:///etc/passwd",
  "*",
  "?",
  "#",
  "",
] as const;
const methods = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
  "PATCH",
  "get",
  "PRI",
  "X",
  "GET\0",
];
const versions = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP", "", "RTSP/1.0"];

function target(
  random: Random,
  own: string,
  names: readonly string[],
): { readonly text: string; readonly name: string | undefined } {
  const roll = random.integer(10);
  if (roll < 2) {
    const name = pick(random, names);
    const after = pick(random, ["", "?a=1", "?../..", "?%00"]);
    return { text: `/${name}${after}`, name };
  }
  if (roll < 3) return { text: pick(random, absolute), name: undefined };
  if (roll < 4)
    return {
      text: `http://${pick(random, [own, "evil.example", "127.0.0.1"])}/${pick(random, names)}`,
      name: undefined,
    };
  const count = 1 + random.integer(8);
  const parts = Array.from({ length: count }, () => pick(random, segments));
  const path = parts.join(pick(random, ["/", "/", "//", "\\", "%2f"]));
  // It may be one of them by chance; trailing blanks are not part of the path.
  const plain = path.replace(/ +$/, "") || "index.html";
  return { text: `/${path}`, name: names.find((name) => name === plain) };
}

/** One short request. `own` is the server's host and port, `names` are the files that it serves. */
export function randomRequest(random: Random, own: string, names: readonly string[]): Request {
  const kind = random.integer(12);
  if (kind === 0) {
    const bytes = Buffer.from(Uint8Array.from({ length: 1 + random.integer(2000) }, () => random.integer(256)));
    return { bytes, file: undefined };
  }
  const port = own.split(":")[1] ?? "";
  const method = random.integer(3) > 0 ? "GET" : pick(random, methods);
  const { text, name } = target(random, own, names);
  const version = pick(random, versions);
  const host = pick(random, [
    own,
    own,
    own,
    `localhost:${port}`,
    "evil.example",
    `evil.example:${port}`,
    "127.0.0.1",
    `127.1:${port}`,
    `0x7f000001:${port}`,
    `[::1]:${port}`,
    `${own}.evil.example`,
    `user@${own}`,
    `${own}, evil.example`,
    ` ${own}`,
    "",
    undefined,
  ]);
  const lines: string[] = host === undefined ? [] : [`Host: ${host}`];
  // Node trims whitespace around a value, as the standard says.
  let trusted = host !== undefined && [own, `localhost:${port}`].includes(host.trim());
  const add = (line: string, harmless: boolean): void => {
    lines.push(line);
    if (!harmless) trusted = false;
  };
  if (host !== undefined && random.integer(6) === 0) add(`Host: ${pick(random, [own, "evil.example"])}`, false);
  if (random.integer(4) === 0) {
    const origin = pick(random, [
      `http://${own}`,
      "http://evil.example",
      "null",
      `https://${own}`,
      `http://${own}.evil.example`,
    ]);
    add(`Origin: ${origin}`, origin === `http://${host?.trim()}`);
  }
  if (random.integer(4) === 0) {
    const site = pick(random, ["same-origin", "none", "cross-site", "same-site"]);
    add(`Sec-Fetch-Site: ${site}`, site === "same-origin" || site === "none");
  }
  if (random.integer(5) === 0)
    add(
      pick(random, [
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Expect: 100-continue",
        "Expect: something",
        "Range: bytes=0-9999999999",
        "Connection: close",
        "Connection: keep-alive",
        `X-Forwarded-Host: ${own}`,
        "Cookie: a=b",
        "Accept-Encoding: gzip",
        "Content-Length: 0",
      ]),
      true,
    );
  if (random.integer(5) === 0)
    add(
      pick(random, [
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: 1\r\nContent-Length: 2",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip, chunked",
        " folded",
        "Bad Header: x",
        "\0: x",
        `Long: ${"x".repeat(20_000)}`,
      ]),
      false,
    );
  const body =
    random.integer(6) === 0
      ? pick(random, ["hello", "5\r\nhello\r\n0\r\n\r\n", "ffffffffff\r\n", "\0".repeat(1000)])
      : "";
  const end = pick(random, ["\r\n", "\r\n", "\r\n", "\n"]);
  const whole = Buffer.from(
    `${method} ${text} ${version}${end}${lines.map((line) => line + end).join("")}${end}${body}`,
    "latin1",
  );
  const cut = random.integer(15) === 0 ? whole.subarray(0, random.integer(whole.length)) : whole;
  const may = trusted && name !== undefined && (method === "GET" || method === "HEAD");
  return { bytes: cut, file: may ? name : undefined };
}
