// Wrong arguments of useBackend, and what the errors say.
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, test, vi } from "vitest";
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

describe("what the environment asks for", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    useBackend({ backend: "wasm" });
  });

  test("nonsense is refused by the name of the variable", () => {
    vi.stubEnv("HEBB_BACKEND", "gpu");
    expect(() => useBackend({})).toThrow(/HEBB_BACKEND: backend "gpu" does not exist/);
    vi.stubEnv("HEBB_BACKEND", "wasm");
    vi.stubEnv("HEBB_THREADS", "many");
    expect(() => useBackend({})).toThrow(/HEBB_THREADS must be a whole number .* got "many"/);
    vi.stubEnv("HEBB_THREADS", "0");
    expect(() => useBackend({})).toThrow(/HEBB_THREADS/);
  });

  test("what is empty is not set", () => {
    vi.stubEnv("HEBB_BACKEND", "");
    vi.stubEnv("HEBB_THREADS", "");
    expect(useBackend({ backend: "reference" }).backend).toBe("reference");
    expect(() => useBackend({})).not.toThrow();
  });

  test("more threads than processors are used, and said", () => {
    const threads = availableParallelism() + 1;
    vi.stubEnv("HEBB_THREADS", String(threads));
    const { description, warning } = useBackend({ backend: "wasm" });
    expect(description).toMatch(new RegExp(`${threads} threads share ${threads - 1} processor`));
    expect(warning?.fix).toBe(`set HEBB_THREADS to at most ${threads - 1}, or leave the number out`);
    expect(useBackend({ backend: "wasm", threads: 1 }).warning).toBeUndefined();
  });

  test("a compiler that is asked for and missing is said, though wasm takes its place", () => {
    vi.stubEnv("HEBB_BACKEND", "auto");
    vi.stubEnv("HEBB_CC", "no-such-compiler");
    const { backend, description, warning } = useBackend({ threads: 1 });
    expect(backend).toBe("wasm");
    expect(description).toMatch(/HEBB_CC is "no-such-compiler".*HEBB_CC asks for a C compiler, which does not work/);
    expect(warning?.fix).toMatch(/correct or unset it/);
  });
});
