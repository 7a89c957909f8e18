// Writes the table of imported ONNX operators into docs/onnx.md, from the rules themselves.
import { readFileSync, writeFileSync } from "node:fs";
import { operatorTable } from "../test/onnx/operatorTable.ts";

const page = new URL("../docs/onnx.md", import.meta.url);
writeFileSync(page, operatorTable.into(readFileSync(page, "utf8")));
