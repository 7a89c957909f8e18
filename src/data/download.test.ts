// Downloads from a local server: whole, interrupted and resumed, wrong, slow and absent; tar and CIFAR records.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadCanonical, parseCifar, tarFiles } from "./canonical.ts";
import { cacheFolder, type DownloadOptions, download } from "./download.ts";

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251));
const known: DownloadOptions = {
  bytes: content.length,
  md5: createHash("md5").update(content).digest("hex"),
  patience: 0.5,
};

const folder = mkdtempSync(join(tmpdir(), "hebb-download-"));
const path = join(folder, "deep", "file.bin");
let server: Server;
let address = "";
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
const asked: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  address = typeof at === "object" && at !== null ? `http://127.0.0.1:${at.port}/file.bin` : "";
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  asked.length = 0;
  rmSync(join(folder, "deep"), { recursive: true, force: true });
});

/** A server that supports ranges. */
const whole = (request: IncomingMessage, response: ServerResponse): void => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (request.headers.range === undefined) response.writeHead(200, { "content-length": content.length });
  else response.writeHead(206, { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` });
  response.end(content.subarray(from));
};
/** Drops the connection after this many bytes, then answers as `next`. */
const breakingAt =
  (bytes: number, next: typeof answer): typeof answer =>
  (_, response) => {
    answer = next;
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 200));
  };

test("a file is downloaded once", async () => {
  answer = whole;
  const seen: number[] = [];
  expect(await download(address, path, { ...known, onProgress: (received) => seen.push(received) })).toBe(path);
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(seen.at(-1)).toBe(content.length);
  await download(address, path, known);
  expect(asked).toEqual([undefined]);
  expect(existsSync(`${path}.part`)).toBe(false);
});

test("a dropped connection is resumed in the same call", async () => {
  answer = breakingAt(70_000, whole);
  await download(address, path, known);
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(asked[1]).toMatch(/^bytes=[1-9]\d*-$/);
});

test("and by a later call", async () => {
  answer = breakingAt(50_000, (_, response) => response.destroy());
  await expect(download(address, path, known)).rejects.toThrow(
    /file\.bin could not be fetched \(.*\); connect to the network and run this again, or put file\.bin into .*deep yourself/,
  );
  expect(existsSync(path)).toBe(false);
  const had = readFileSync(`${path}.part`).length;
  expect(had).toBeGreaterThan(0);
  answer = whole;
  await download(address, path, known);
  expect(asked.at(-1)).toBe(`bytes=${had}-`);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test("starts over if the server ignores the range, or the part is of another version", async () => {
  answer = breakingAt(50_000, (_, response) => response.writeHead(200).end(content));
  await download(address, path, known);
  expect(readFileSync(path).equals(content)).toBe(true);
  rmSync(path);
  writeFileSync(`${path}.part`, Buffer.alloc(1000, 7));
  answer = whole;
  await download(address, path, known);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test("a damaged file is downloaded again", async () => {
  answer = whole;
  await download(address, path, known);
  writeFileSync(path, Buffer.alloc(content.length));
  await download(address, path, known);
  expect(readFileSync(path).equals(content)).toBe(true);
});

describe("refused", () => {
  test.each<[string, typeof answer, RegExp]>([
    [
      "another file",
      (_, response) => response.end(Buffer.alloc(content.length)),
      /its checksum is not [0-9a-f]{32}; try again later/,
    ],
    [
      "a longer file",
      (_, response) => response.end(Buffer.alloc(content.length + 1)),
      /sends more than the expected 200000 bytes/,
    ],
    ["a shorter file", (_, response) => response.end(Buffer.alloc(10)), /ended after|could not be fetched/],
    ["an endless file", (_, response) => void setInterval(() => response.write(content), 5).unref(), /sends more than/],
    ["an error", (_, response) => response.writeHead(404).end("no"), /answers 404 Not Found/],
    ["silence", () => {}, /nothing was received for 0\.5 seconds/],
  ])("%s", async (_, reply, message) => {
    answer = reply;
    await expect(download(address, path, known)).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });

  test("no connection, and a folder that cannot be created", async () => {
    await expect(download("http://127.0.0.1:9/file.bin", path, known)).rejects.toThrow(
      /could not be fetched \(.+\); connect to the network/,
    );
    writeFileSync(join(folder, "plain"), "");
    await expect(download(address, join(folder, "plain", "file.bin"), known)).rejects.toThrow(
      /cannot be created .*HEBB_CACHE/,
    );
  });
});

test("canonical sets name their files if there is no network", async () => {
  await expect(loadCanonical("mnist", "test", { folder, mirror: "http://127.0.0.1:9/" })).rejects.toThrow(
    /127\.0\.0\.1:9\/t10k-images-idx3-ubyte\.gz could not be fetched.*put t10k-images-idx3-ubyte\.gz into/,
  );
});

test("the cache folder", () => {
  expect(cacheFolder({ HEBB_CACHE: "/somewhere" })).toBe("/somewhere");
  if (process.platform === "linux") {
    expect(cacheFolder({ XDG_CACHE_HOME: "/caches" })).toBe("/caches/hebb");
    expect(cacheFolder({ XDG_CACHE_HOME: "relative" })).toMatch(/\.cache\/hebb$/);
  }
});

describe("archives", () => {
  const entry = (name: string, data: Uint8Array, size = data.length.toString(8).padStart(11, "0")): Buffer => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(size, 124);
    header.write("0", 156);
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
  };

  test("the files of a tar archive", () => {
    const archive = Buffer.concat([
      entry("a/b.bin", Uint8Array.of(1, 2, 3)),
      entry("c", new Uint8Array(600).fill(7)),
      Buffer.alloc(1024),
    ]);
    expect([...tarFiles(archive, "t")].map(({ name, data }) => [name, data.length])).toEqual([
      ["a/b.bin", 3],
      ["c", 600],
    ]);
    expect(() => [...tarFiles(entry("a", Uint8Array.of(1), "77777777777"), "t.tar")]).toThrow(
      /t\.tar is damaged: its part "a"/,
    );
    expect(() => [...tarFiles(entry("a", Uint8Array.of(1), "-1"), "t.tar")]).toThrow(/is damaged/);
  });

  test("CIFAR records", () => {
    const record = (label: number, value: number): Uint8Array =>
      Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? label : value));
    const { images, labels } = parseCifar([record(1, 5), record(0, 9)], ["plane", "car"], "c");
    expect(images.shape).toEqual([2, 3, 32, 32]);
    expect([images.data[0], images.data[3072]]).toEqual([5, 9]);
    expect([...labels.data]).toEqual([1, 0]);
    expect(() => parseCifar([record(2, 5)], ["plane", "car"], "c")).toThrow(/picture 1 has the label 2/);
    expect(() => parseCifar([record(1, 5).subarray(1)], ["plane", "car"], "c")).toThrow(
      /3072 bytes are not a whole number of CIFAR-10 records/,
    );
    expect(() => parseCifar([], [], "c")).toThrow(/0 bytes/);
  });
});
