// What a program gives on the reference and on the device that does everything later.
import { seed, useBackend } from "../../src/index.ts";
import { moveToHost, useDevice } from "../../src/runtime/index.ts";
import { createLaterDevice } from "./device.ts";

export const useLater = (): void => useDevice(createLaterDevice());
export const useReference = (): void => void useBackend({ backend: "reference" });

/** Back to the reference, with all values. */
export async function leave(): Promise<void> {
  await moveToHost();
  useReference();
}

/** Both results, of programs started in the same way. */
export async function both<T>(program: () => Promise<T>): Promise<[expected: T, found: T]> {
  useReference();
  seed(4);
  const expected = await program();
  useLater();
  seed(4);
  return [expected, await program()];
}
