// Configuration files for commands, JSON or YAML: read as if they were flags, and written from the given flags.
import { readFileSync } from "node:fs";
import { fileError } from "../data/fileErrors.ts";
import { missingPackage } from "../data/missingPackage.ts";
import { HebbError } from "../graph/errors.ts";

const isYaml = (path: string): boolean => /\.ya?ml$/i.test(path);

async function loadYaml(): Promise<typeof import("yaml")> {
  try {
    return await import("yaml");
  } catch (cause) {
    throw missingPackage("yaml", "a configuration in YAML", cause);
  }
}

/** The choices in a file, by name. */
async function choicesIn(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError(path, error);
  }
  let value: unknown;
  try {
    value = isYaml(path) ? (await loadYaml()).parse(text) : JSON.parse(text);
  } catch (error) {
    if (error instanceof HebbError) throw error;
    throw new HebbError(
      `${path} is not ${isYaml(path) ? "YAML" : "JSON"}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HebbError(`${path} must hold choices by name, such as {"data": "cars.csv", "target": "price"}`);
  return { ...value };
}

const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A name in a list; one that contains a comma is quoted. */
const listed = (value: unknown): string => {
  const text = String(value);
  return text.includes(",") ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Choices whose values each need a flag of their own. */
const repeated: ReadonlySet<string> = new Set(["missing", "space"]);

function flagsOf(name: string, value: unknown, path: string): string[] {
  const flag = flagOf(name);
  if (value === null || value === undefined) return [];
  if (value === true) return [flag];
  if (value === false) return [flag.replace(/^--(?:no-)?/, "--no-")];
  if (Array.isArray(value)) {
    if (repeated.has(name)) return value.flatMap((each) => [flag, String(each)]);
    return [flag, value.length === 0 ? "none" : value.map(listed).join(",")];
  }
  if (typeof value === "object")
    throw new HebbError(`${path}: ${name} is an object; a choice is a text, a number, true, false or a list of those`);
  return [flag, String(value)];
}

/** Arguments to insert before the given ones, which take precedence, and the data named in the file. */
export interface FromFile {
  readonly flags: readonly string[];
  readonly data: string | undefined;
}

export async function fromConfigFile(path: string): Promise<FromFile> {
  const { data, ...choices } = await choicesIn(path);
  if (data !== undefined && typeof data !== "string") throw new HebbError(`${path}: data must be a path or a name`);
  return { flags: Object.entries(choices).flatMap(([name, value]) => flagsOf(name, value, path)), data };
}

/** The file of `--config FILE` among arguments. */
export function configIn(args: readonly string[]): string | undefined {
  const place = args.findIndex((each) => each === "--config" || each.startsWith("--config="));
  const found = args[place];
  return found === "--config" ? args[place + 1] : found?.slice("--config=".length);
}

/** The text of a file with the same choices. */
export async function configText(path: string, choices: Readonly<Record<string, unknown>>): Promise<string> {
  return isYaml(path) ? (await loadYaml()).stringify(choices) : `${JSON.stringify(choices, null, 2)}\n`;
}
