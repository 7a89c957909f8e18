// The files of ONNX's node cases: from a folder on disk, or packed in fixtures/cases.json.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns a file of a case, or undefined. */
export type CaseFiles = (path: string) => Uint8Array | undefined;

/** The cases of a folder, by name. */
export function casesIn(folder: string): Map<string, CaseFiles> {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "model.onnx")));
  if (names.length === 0)
    throw new Error(`${folder} has no folder with a model.onnx; name the one that generateNodeCases.py wrote`);
  return new Map(
    names.sort().map((name) => [
      name,
      (path) => {
        const file = join(folder, name, path);
        return existsSync(file) ? readFileSync(file) : undefined;
      },
    ]),
  );
}

/** The packed cases, by name. */
export function packedCases(path: string | URL): Map<string, CaseFiles> {
  const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(readFileSync(path, "utf8"));
  return new Map(
    Object.entries(cases).map(([name, files]) => [
      name,
      (file) => (files[file] === undefined ? undefined : new Uint8Array(Buffer.from(files[file], "base64"))),
    ]),
  );
}
