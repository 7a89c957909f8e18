// A command on webgpu ends by itself, although an open GPU keeps Node running.
import { describe, expect, it } from "vitest";
import { useHebb } from "../e2e/hebb.ts";
import { webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
device?.close();
// The command runs in a separate process, which finds Chromium's loader through its folder.
process.env["LD_LIBRARY_PATH"] = ["/usr/lib/chromium", process.env["LD_LIBRARY_PATH"] ?? ""].join(":");

describe.skipIf(device === undefined)("a command on webgpu", () => {
  const { start } = useHebb();

  it.each([
    { name: "done", args: ["train", "iris", "--epochs", "1", "--backend", "webgpu", "--out", "run"], code: 0 },
    { name: "failed", args: ["train", "none.csv", "--backend", "webgpu"], code: 1 },
  ])("ends when it is $name", { timeout: 120_000 }, async ({ args, code }) => {
    const { process: child, finished } = start(...args);
    const late = setTimeout(() => child.kill("SIGKILL"), 90_000);
    const { code: ended, signal, stderr } = await finished;
    clearTimeout(late);
    expect({ ended, signal, stderr: code === 0 ? stderr : "" }).toEqual({ ended: code, signal: null, stderr: "" });
  });
});
