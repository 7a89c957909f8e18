// Wrong arguments of useBackend, and what the errors say.
import { expect, test } from "vitest";
import { backendInfo, useBackend } from "./index.ts";

test("a name where options are due, and a name that is none", () => {
  const wrong: (options: unknown) => unknown = Function.prototype.call.bind(useBackend, undefined);
  expect(() => wrong("wasm")).toThrow(/useBackend: options must be an object such as \{ backend: … \}, got "wasm"/);
  expect(() => wrong({ backend: "gpu" })).toThrow(/backend "gpu" does not exist; use .*"wasm"/);
});

test("a program can return to what backendInfo gave", () => {
  const before = backendInfo();
  useBackend({ backend: "reference" });
  expect(useBackend(before)).toEqual(before);
});
