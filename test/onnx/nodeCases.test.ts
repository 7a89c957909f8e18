// ONNX's own node cases: a few are packed here; HEBB_ONNX_CASES names the folder of all of them, written by generateNodeCases.py.
import { describe, expect, it } from "vitest";
import { casesIn, packedCases } from "./caseFiles.ts";
import { runCase, runCases } from "./nodeCases.ts";

const packed = new Map([
  ...packedCases(new URL("fixtures/cases.json", import.meta.url)),
  ...packedCases(new URL("fixtures/microsoft.json", import.meta.url)),
]);
/** Errors of packed cases that need features outside this library. */
const refusals = /is not known|are not known|does not fit int32|cannot be read as|texts/;

describe("packed node cases", () => {
  it.each([...packed.keys()])("%s", (name) => {
    const files = packed.get(name);
    if (files === undefined) throw new Error(`there is no ${name}`);
    const outcome = runCase(files);
    if (outcome.kind === "refused") expect(outcome.why).toMatch(refusals);
    else expect(outcome).toEqual({ kind: "passed" });
  });
});

/** Their expected zeros are the rounding of another transform, 1.9e-7, more than the runner allows. */
const roundingNoise = ["test_dft_inverse", "test_dft_inverse_opset19"];

const folder = process.env.HEBB_ONNX_CASES;
describe.skipIf(folder === undefined)("all node cases (HEBB_ONNX_CASES names their folder)", () => {
  it("give no wrong answer, no crash, and few refusals", { timeout: 900_000 }, () => {
    const report = runCases(new Map([...casesIn(folder ?? "")].filter(([name]) => !roundingNoise.includes(name))));
    expect(report.wrong).toEqual([]);
    expect(report.crashed).toEqual([]);
    for (const line of report.refused) expect(line).toMatch(refusals);
    expect(report.passed).toBeGreaterThanOrEqual(1700);
  });
});
