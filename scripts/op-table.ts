// Writes docs/op-table.md: npm run docs:ops.
import { mkdirSync, writeFileSync } from "node:fs";
import { opTable } from "../test/conformance/table.ts";

const folder = new URL("../docs/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("op-table.md", folder), opTable());
