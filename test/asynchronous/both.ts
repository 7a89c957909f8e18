// Runs a program on the reference and on an asynchronous device, and returns both results.
import { seed, useBackend } from "../../src/index.ts";
import { moveToHost, useDevice } from "../../src/runtime/index.ts";
import { createLaterDevice } from "./device.ts";

export const useLater = (): void => useDevice(createLaterDevice());
export const useReference = (): void => void useBackend({ backend: "reference" });

/** Switches back to the reference and reads all values. */
export async function leave(): Promise<void> {
  await moveToHost();
  useReference();
}

/** Both results, from programs that start the same way. */
export async function both<T>(program: () => Promise<T>): Promise<[expected: T, found: T]> {
  useReference();
  seed(4);
  const expected = await program();
  useLater();
  seed(4);
  return [expected, await program()];
}
