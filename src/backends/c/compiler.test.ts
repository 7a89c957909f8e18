// Which processors may share compiled programs.
import { expect, it } from "vitest";
import { processorOf } from "./compiler.ts";

const cpuinfo = (flags: string, mhz: string): string =>
  `processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\ncpu MHz\t\t: ${mhz}\nflags\t\t: fpu sse2 ${flags}\nbogomips\t: ${mhz}\n\nprocessor\t: 1\n`;

it("processors with the same name but different instruction sets are distinct", () => {
  const [wide, narrow] = [processorOf(cpuinfo("avx2 fma avx512f", "3100")), processorOf(cpuinfo("avx2 fma", "3100"))];
  expect(wide.description).not.toBe(narrow.description);
  expect([...narrow.features]).toEqual(expect.arrayContaining(["avx2", "fma"]));
  expect(narrow.features.has("avx512f")).toBe(false);
});

it("the same processor at two clock speeds is identical", () => {
  expect(processorOf(cpuinfo("avx2", "3100")).description).toBe(processorOf(cpuinfo("avx2", "2400.5")).description);
});

it("ARM instruction sets are compared too", () => {
  const arm = (features: string): string => `processor\t: 0\nFeatures\t: fp asimd ${features}\nCPU part\t: 0xd40\n\n`;
  expect(processorOf(arm("sve")).description).not.toBe(processorOf(arm("")).description);
});
