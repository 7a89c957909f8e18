// Requests that the C device refuses.
import { expect, it } from "vitest";
import { HebbError } from "../../graph/errors.ts";
import type { Device } from "../backend.ts";
import { createCDevice } from "./index.ts";

function device(): Device | undefined {
  try {
    return createCDevice({ threads: 1 });
  } catch (error) {
    if (error instanceof HebbError) return undefined;
    throw error;
  }
}

it("a result too large for the offsets is refused, with its size", ({ skip }) => {
  const c = device();
  if (c?.hostBlock === undefined) return skip();
  expect(() => c.hostBlock?.("float32", 2 ** 30)).toThrow(
    /out of memory: cannot allocate a result of 4294967360 bytes; the limit is 4294967296;/,
  );
  expect(c.hostBlock("uint8", 3).array).toHaveLength(3);
  c.close();
});
