// Whether the c backend is available: without a compiler its pair of devices is skipped.
import { HebbError, openDevice } from "../../src/index.ts";

async function works(): Promise<boolean> {
  try {
    await openDevice({ backend: "c", threads: 1 }).close();
    return true;
  } catch (error) {
    if (error instanceof HebbError) return false;
    throw error;
  }
}

export const compilerMissing = !(await works());
