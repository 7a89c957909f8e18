// A signal reaches the running work, or the work that follows immediately; none is lost in between.
import { expect, test } from "vitest";
import { onInterrupt } from "./interrupt.ts";

/** Two turns of the event loop, in which signals are delivered. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("that arrives while work blocks the event loop goes to the next work", async () => {
  const told: string[] = [];
  const first = onInterrupt(() => told.push("first"));
  process.kill(process.pid, "SIGINT");
  first();
  const second = onInterrupt(() => told.push("second"));
  await turns();
  second();
  expect(told).toEqual(["second"]);
  await turns();
  expect(process.listenerCount("SIGINT")).toBe(0);
});

test("is delivered once to the innermost work, and then to the work around it", async () => {
  const told: string[] = [];
  const before = process.listenerCount("SIGINT");
  const outer = onInterrupt(() => told.push("outer"));
  const inner = onInterrupt(() => told.push("inner"));
  process.kill(process.pid, "SIGINT");
  await turns();
  expect(told).toEqual(["inner"]);
  inner();
  process.kill(process.pid, "SIGINT");
  await turns();
  expect(told).toEqual(["inner", "outer"]);
  outer();
  await turns();
  expect(process.listenerCount("SIGINT")).toBe(before);
});
