// Files beside a file: in the same folder, or in the hub's cache, whose snapshots are links to its blobs.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { besideIn } from "./fileSource.ts";

const work = mkdtempSync(join(tmpdir(), "hebb-beside-"));
afterEach(() => rmSync(work, { recursive: true, force: true }));

it("reads a snapshot of the hub's cache, whose files are links to its blobs, and follows no other link out of the folder", async () => {
  const model = join(work, "models--someone--tiny");
  const snapshot = join(model, "snapshots/0123");
  for (const folder of [snapshot, join(model, "blobs"), join(model, "refs")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(model, "blobs/abc"), "weights");
  writeFileSync(join(model, "refs/main"), "0123");
  symlinkSync("../../blobs/abc", join(snapshot, "model.safetensors"));
  symlinkSync("../../refs/main", join(snapshot, "other"));
  const source = await besideIn(snapshot, "model.safetensors", "the index");
  expect(new TextDecoder().decode(await source.read(0, source.size))).toBe("weights");
  await source.close();
  await expect(besideIn(snapshot, "other", "the index")).rejects.toThrow(/a symbolic link out of the folder/);
});
