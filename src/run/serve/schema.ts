// The inputs and outputs of a run as JSON Schema and OpenAPI, from its fitted preprocessing.
import type { InputEncoding, TargetEncoding } from "../../data/index.ts";
import type { Preprocessing } from "../../formats/index.ts";
import { unreachable } from "../../graph/errors.ts";
import { pictureTypes } from "./pictures.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The number of values that a schema shows as examples; a column may have thousands. */
const mostExamples = 10;

function inputSchema(input: InputEncoding): JsonSchema {
  switch (input.kind) {
    case "number":
      return { type: ["number", "string", "null"], description: "a number, or its text; null where it is missing" };
    case "date":
      return { type: ["string", "null"], description: "a date as in the training data; null where it is missing" };
    case "duration":
      return { type: ["number", "string", "null"], description: "seconds, or a duration as in the training data" };
    case "category":
      return {
        type: ["string", "number", "boolean", "null"],
        description: "one of the values seen in training; other values are allowed and count as unknown",
        examples: input.categories.slice(0, mostExamples),
      };
    case "text":
      return { type: ["string", "null"], description: "a text; null where it is missing" };
  }
}

function rowSchema(preprocessing: Preprocessing): JsonSchema {
  switch (preprocessing.kind) {
    case "table": {
      const { inputs } = preprocessing;
      return {
        type: "object",
        properties: Object.fromEntries(inputs.map((input) => [input.column, inputSchema(input)])),
        required: inputs.map(({ column }) => column),
        additionalProperties: true,
      };
    }
    case "texts":
      return {
        type: "object",
        properties: { [preprocessing.column]: { type: "string" } },
        required: [preprocessing.column],
      };
    case "images":
      return { type: "string", format: "binary", description: "the bytes of a PNG or JPEG picture of any size" };
    case "text":
      return { type: "object" };
    default:
      return unreachable(preprocessing);
  }
}

/** The prediction: a number, or one of these classes. */
type Predicted = Pick<Extract<TargetEncoding, { kind: "classes" }>, "kind" | "classes"> | { readonly kind: "number" };

function predictionSchema(target: Predicted | undefined, interval: boolean): JsonSchema {
  const notes = { type: "array", items: { type: "string" }, description: "cells that could not be read" };
  const number = { type: "number" };
  if (target?.kind === "number")
    return interval
      ? {
          type: "object",
          properties: { prediction: number, lower: number, upper: number, notes },
          required: ["prediction", "lower", "upper"],
        }
      : { type: "object", properties: { prediction: number, notes }, required: ["prediction"] };
  const prediction = target === undefined ? { type: ["string", "number"] } : { type: "string", enum: target.classes };
  const probabilities = { type: "object", additionalProperties: { type: "number" } };
  return { type: "object", properties: { prediction, probabilities, notes }, required: ["prediction"] };
}

const either = (one: JsonSchema): JsonSchema => ({ oneOf: [one, { type: "array", items: one }] });

export interface RunSchemas {
  /** The content types of a request. */
  readonly types: readonly string[];
  /** A row, or a list of rows; or a single image. */
  readonly request: JsonSchema;
  /** A prediction, or a list of them. */
  readonly response: JsonSchema;
}

/** `interval`: whether predictions of numbers have an interval. */
export function schemasOf(preprocessing: Preprocessing, interval = false): RunSchemas {
  const { kind } = preprocessing;
  const target = kind === "text" ? undefined : preprocessing.target;
  const [request, response] = [rowSchema(preprocessing), predictionSchema(target, interval)];
  return kind === "images"
    ? { types: pictureTypes, request, response }
    : { types: ["application/json"], request: either(request), response: either(response) };
}

/** The service as OpenAPI 3.1. */
export function openApiOf(name: string, version: string, { types, request, response }: RunSchemas): JsonSchema {
  const content = (schema: JsonSchema): JsonSchema => ({ "application/json": { schema } });
  const error = {
    description: "what is wrong, in a sentence",
    content: content({ type: "object", properties: { error: { type: "string" } }, required: ["error"] }),
  };
  const answer = (description: string, schema: JsonSchema): JsonSchema => ({ description, content: content(schema) });
  return {
    openapi: "3.1.0",
    info: { title: `Predictions of ${name}`, version },
    paths: {
      "/predict": {
        post: {
          summary: "A prediction for a row, for each of a list of rows, or for a picture",
          requestBody: {
            required: true,
            content: Object.fromEntries(types.map((type) => [type, { schema: request }])),
          },
          responses: { 200: answer("the predictions", response), 400: error, 413: error, 503: error },
        },
      },
      "/health": {
        get: { summary: "Whether the service is up", responses: { 200: answer("it is", { type: "object" }) } },
      },
      "/schema": {
        get: {
          summary: "The schema of requests and responses",
          responses: { 200: answer("both", { type: "object" }) },
        },
      },
    },
  };
}
