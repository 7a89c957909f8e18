// Whether the c backend works here: without a compiler its pair of devices is left out.
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
