// Good files with a few bytes changed, thousands of them: each is read or refused with a message, and nothing else happens.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { memorySource, openSource } from "../../src/formats/index.ts";
import { HebbError } from "../../src/graph/errors.ts";

const golden = (name: string): Uint8Array => readFileSync(new URL(`../golden/formats/files/${name}`, import.meta.url));

/** The result of reading all arrays; the error if it is not a HebbError. */
async function failureOf(bytes: Uint8Array): Promise<unknown> {
  try {
    const file = await openSource(memorySource(bytes, "flipped"));
    for (const array of file.arrays.values()) await array.read();
    await file.close();
    return undefined;
  } catch (error) {
    return error instanceof HebbError ? undefined : error;
  }
}

const files = [
  "all.safetensors",
  "all.pt",
  "odd.pt",
  "legacy.pt",
  "protocol5.pt",
  "all.npz",
  "version1.npy",
  "all.gguf",
];

test.each(files)("%s", async (name) => {
  const good = golden(name);
  const random = new Random(1);
  // The archive of all types unpacks a hundred arrays each time.
  const rounds = name === "all.npz" ? 100 : 300;
  for (let round = 0; round < rounds; round++) {
    const bytes = Uint8Array.from(good);
    // Structures are at the beginning and, in archives, at the end.
    const near = [bytes.length, Math.min(400, bytes.length), Math.min(3000, bytes.length)][round % 3] ?? 1;
    const count = 1 + (round % 4);
    const places = Array.from({ length: count }, () => {
      const at = random.integer(near);
      return round % 2 === 0 ? at : bytes.length - 1 - at;
    });
    for (const at of places) bytes[at] = random.integer(256);
    const failure = await failureOf(bytes);
    if (failure !== undefined)
      expect.fail(
        `bytes ${places.map((at) => `${at} = ${bytes[at]}`).join(", ")} of ${name}: ${String(failure)}\n${failure instanceof Error ? failure.stack : ""}`,
      );
  }
});
