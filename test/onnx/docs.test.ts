// docs/onnx.md lists the operators that exist.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { operatorTable } from "./operatorTable.ts";

it("docs/onnx.md names the imported operators (npm run docs:onnx renews it)", () => {
  const page = readFileSync(new URL("../../docs/onnx.md", import.meta.url), "utf8");
  expect(operatorTable.into(page)).toBe(page);
});
