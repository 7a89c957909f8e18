// Work due before a step: work that has begun is not done yet, and later callers wait for it.
import { expect, it } from "vitest";
import { answered, type Reading } from "../tensor/reading.ts";
import { Due } from "./due.ts";

/** Work that is held until released. */
function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { release: () => release(), promise };
}

it("is not empty while work is in progress", async () => {
  const [due, { promise, release }] = [new Due(), held()];
  due.add(answered(promise), true);
  const first = due.settled();
  expect(due.isEmpty).toBe(false);
  release();
  await first;
  expect(due.isEmpty).toBe(true);
});

it("makes later callers wait for the same work", async () => {
  const [due, { promise, release }] = [new Due(), held()];
  const seen: string[] = [];
  due.add(answered(promise), true);
  const first = due.settled().then(() => seen.push("first"));
  const second = due.settled().then(() => seen.push(`second, empty: ${due.isEmpty}`));
  await Promise.resolve();
  expect(seen).toEqual([]);
  release();
  await Promise.all([first, second]);
  expect(seen.sort()).toEqual(["first", "second, empty: true"]);
});

it("lets work wait for the rest without waiting for itself", async () => {
  const due = new Due();
  const seen: string[] = [];
  const asking = function* (): Reading<void> {
    yield* answered(due.done());
    seen.push("asked");
  };
  const rest = function* (): Reading<void> {
    yield* answered(Promise.resolve());
    seen.push("rest");
  };
  due.add(asking(), true);
  due.add(rest(), true);
  await due.settled();
  expect(seen).toEqual(["rest", "asked"]);
});

it("reports a failure once, to the caller that began the work, and continues without it", async () => {
  const [due, { promise, release }] = [new Due(), held()];
  due.add(answered(promise.then(() => Promise.reject(new Error("the disk is full")))), true);
  const first = expect(due.settled()).rejects.toThrow("the disk is full");
  const second = due.settled();
  release();
  await first;
  await second;
  expect(due.isEmpty).toBe(true);
});
