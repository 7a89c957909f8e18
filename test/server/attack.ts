// Attacks a running web server with random, slow, huge and numerous requests, and checks what it must never do.
import { connect, type Socket } from "node:net";
import { Random } from "../../src/data/index.ts";
import { type Request, randomRequest } from "./requests.ts";

export interface Target {
  readonly port: number;
  /** The files that it serves, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Sends bytes, and returns everything received until the other side closes or is silent for `patience` milliseconds. */
export function exchange(port: number, bytes: Uint8Array, patience = 400): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const finish = (): void => {
      socket.destroy();
      resolve(Buffer.concat(parts));
    };
    socket.setTimeout(patience, finish);
    socket.on("data", (part) => parts.push(part));
    socket.on("error", finish);
    socket.on("end", finish);
    socket.on("close", finish);
    socket.on("connect", () => socket.write(bytes));
  });
}

interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: Buffer;
}

/** The answers on one connection. A body has the length in its header; an answer to HEAD has none. */
export function answersIn(bytes: Buffer, head = false): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) break;
    const headers = bytes.subarray(at, end).toString("latin1");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1] ?? 0);
    const length = head || status === 100 ? 0 : Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? bytes.length);
    answers.push({ status, headers, body: bytes.subarray(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
  return answers;
}

/** Requests every file in turn, and fails unless each comes back complete. */
export async function checkAlive({ port, files }: Target, names: readonly string[] = ["index.html"]): Promise<void> {
  for (const name of names) {
    const [answer] = answersIn(
      await exchange(
        port,
        Buffer.from(`GET /${name} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`),
        20_000,
      ),
    );
    if (answer?.status !== 200 || !answer.body.equals(files.get(name) ?? Buffer.alloc(0)))
      throw new Error(`${name} no longer comes back whole: ${answer?.status}`);
  }
}

/** Throws if an answer contains anything but the one file that the request may get. */
function checkSecrets(target: Target, { bytes, file }: Request, received: Buffer): void {
  const what = bytes.subarray(0, 500).toString("latin1");
  const head = what.startsWith("HEAD ");
  for (const { status, body } of answersIn(received, head)) {
    const allowed = file === undefined ? undefined : target.files.get(file);
    if (status === 200 && allowed === undefined)
      throw new Error(`answered with a file, not ${file}: ${JSON.stringify(what)}`);
    if (body.length > 0 && (allowed === undefined || !body.equals(allowed)))
      throw new Error(`gave away ${body.length} bytes: ${JSON.stringify(what)}: ${body.subarray(0, 200)}`);
  }
}

/** Random requests, several at a time. Returns the number of answers by status. */
export async function randomRequests(target: Target, count: number, seed: number): Promise<Map<number, number>> {
  const random = new Random(seed);
  const names = [...target.files.keys()];
  const statuses = new Map<number, number>();
  const lane = async (requests: readonly Request[]): Promise<void> => {
    for (const request of requests) {
      const received = await exchange(target.port, request.bytes, 150);
      checkSecrets(target, request, received);
      for (const { status } of answersIn(received, request.bytes.toString("latin1").startsWith("HEAD ")))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (received.length === 0) statuses.set(0, (statuses.get(0) ?? 0) + 1);
    }
  };
  const step = 200;
  for (let done = 0; done < count; done += step) {
    const all = Array.from({ length: Math.min(step, count - done) }, () =>
      randomRequest(random, `127.0.0.1:${target.port}`, names),
    );
    const lanes = Array.from({ length: 8 }, (_, first) => all.filter((_, place) => place % 8 === first));
    await Promise.all(lanes.map(lane));
    await checkAlive(target);
  }
  return statuses;
}

/** Opens connections that never finish a request, sending a byte at a time; resolves when the server has closed all of them. */
export async function slowRequests(target: Target, count: number, limit: number): Promise<void> {
  const open = new Set<Socket>();
  const text = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nX-Slow: `;
  for (let k = 0; k < count; k++) {
    const socket = connect({ port: target.port, host: "127.0.0.1" });
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    // Nothing, an unfinished header, an endless header, an unfinished body.
    if (k % 4 === 1) socket.write(text.slice(0, 20));
    if (k % 4 >= 2) socket.write(k % 4 === 2 ? text : `${text}x\r\nContent-Length: 1000000\r\n\r\n`);
  }
  const drip = setInterval(() => {
    for (const socket of open) if (socket.writable) socket.write("x");
  }, limit / 20);
  await checkAlive(target);
  const end = Date.now() + 4 * limit;
  while (open.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  clearInterval(drip);
  const left = open.size;
  for (const socket of open) socket.destroy();
  if (left > 0) throw new Error(`${left} of ${count} slow connections are open after ${4 * limit} ms`);
  await checkAlive(target);
}

/** A header, a path and a body of `bytes` bytes. */
export async function hugeRequests(target: Target, bytes: number): Promise<void> {
  const host = `Host: 127.0.0.1:${target.port}`;
  const filler = "x".repeat(Math.min(bytes, 1 << 20));
  const starts = [`GET /${filler} HTTP/1.1\r\n${host}\r\n\r\n`, `GET / HTTP/1.1\r\n${host}\r\nX: ${filler}\r\n\r\n`];
  for (const start of starts) {
    const received = answersIn(await exchange(target.port, Buffer.from(start), 2000));
    if (received.some(({ status }) => status === 200)) throw new Error("a header of a megabyte was taken");
  }
  await pour(target.port, `POST / HTTP/1.1\r\n${host}\r\nContent-Length: ${bytes}\r\n\r\n`, bytes);
  await pour(
    target.port,
    `PUT /table.csv HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`,
    bytes,
  );
  await checkAlive(target);
}

/** Sends a body until it is complete or the server closes. */
function pour(port: number, head: string, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const piece = Buffer.alloc(1 << 16, 120);
    let left = bytes;
    const send = (): void => {
      while (left > 0 && socket.writable) {
        left -= piece.length;
        if (!socket.write(piece)) {
          socket.once("drain", send);
          return;
        }
      }
      socket.end();
    };
    socket.resume();
    socket.on("connect", () => {
      socket.write(head);
      send();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

/** Many connections at once, each asking for the largest file and reading none of it. */
export async function manyAtOnce(target: Target, count: number): Promise<void> {
  const largest = [...target.files].sort(([, a], [, b]) => b.byteLength - a.byteLength)[0]?.[0] ?? "index.html";
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port: target.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.pause();
    socket.write(`GET /${largest} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\n`);
    return socket;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await checkAlive(target);
}
