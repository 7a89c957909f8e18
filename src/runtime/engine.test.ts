// Wrong arguments of useBackend, and their error messages.
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, test, vi } from "vitest";
import { backendInfo, useBackend } from "./index.ts";

test("a name instead of options, and an unknown name", () => {
  const wrong: (options: unknown) => unknown = Function.prototype.call.bind(useBackend, undefined);
  expect(() => wrong("wasm")).toThrow(/useBackend: options must be an object such as \{ backend: … \}, got "wasm"/);
  expect(() => wrong({ backend: "gpu" })).toThrow(/backend "gpu" does not exist; use .*"wasm"/);
});

test("a program can restore a backend from backendInfo", () => {
  const before = backendInfo();
  useBackend({ backend: "reference" });
  expect(useBackend(before)).toEqual(before);
});

describe("environment variables", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    useBackend({ backend: "wasm" });
  });

  test("an invalid value is rejected with the name of the variable", () => {
    vi.stubEnv("HEBB_BACKEND", "gpu");
    expect(() => useBackend({})).toThrow(/HEBB_BACKEND: backend "gpu" does not exist/);
    vi.stubEnv("HEBB_BACKEND", "wasm");
    vi.stubEnv("HEBB_THREADS", "many");
    expect(() => useBackend({})).toThrow(/HEBB_THREADS must be a whole number .* got "many"/);
    vi.stubEnv("HEBB_THREADS", "0");
    expect(() => useBackend({})).toThrow(/HEBB_THREADS/);
  });

  test("an empty variable counts as unset", () => {
    vi.stubEnv("HEBB_BACKEND", "");
    vi.stubEnv("HEBB_THREADS", "");
    expect(useBackend({ backend: "reference" }).backend).toBe("reference");
    expect(() => useBackend({})).not.toThrow();
  });

  test("more threads than processors are used, with a warning", () => {
    const threads = availableParallelism() + 1;
    vi.stubEnv("HEBB_THREADS", String(threads));
    const { description, warning } = useBackend({ backend: "wasm" });
    expect(description).toMatch(new RegExp(`${threads} threads share ${threads - 1} processor`));
    expect(warning?.fix).toBe(`set HEBB_THREADS to at most ${threads - 1}, or leave the number out`);
    expect(useBackend({ backend: "wasm", threads: 1 }).warning).toBeUndefined();
  });

  test("a requested compiler that is missing gives a warning, though wasm replaces it", () => {
    vi.stubEnv("HEBB_BACKEND", "auto");
    vi.stubEnv("HEBB_CC", "no-such-compiler");
    const { backend, description, warning } = useBackend({ threads: 1 });
    expect(backend).toBe("wasm");
    expect(description).toMatch(/HEBB_CC is "no-such-compiler".*HEBB_CC asks for a C compiler, which does not work/);
    expect(warning?.fix).toMatch(/correct or unset it/);
  });
});
