// A trained run behind HTTP, with Fastify: predictions, schema, health and metrics; it shuts down without losing a request.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { missingPackage } from "../../data/missingPackage.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import type { ClassCosts } from "../costs.ts";
import { type LoadedRun, loadRun, type PredictOptions } from "../loadRun.ts";
import { Batcher, Overloaded, type Row } from "./batcher.ts";
import { ServeMetrics } from "./metrics.ts";
import { blankPicture, pictureTypes, pixelsOf } from "./pictures.ts";
import { openApiOf, type RunSchemas, schemasOf } from "./schema.ts";

export interface ServeOptions {
  /** The address to listen on. Default "127.0.0.1": only this machine. */
  readonly host?: string;
  /** Default 8080; 0 uses a free port. */
  readonly port?: number;
  /** The maximum number of rows computed at once. Default 256. */
  readonly maxBatchRows?: number;
  /** The maximum number of waiting rows before requests are refused with 503. Default 16,384. */
  readonly maxWaitingRows?: number;
  /** The maximum number of rows of a request. Default 4,096. */
  readonly maxRequestRows?: number;
  /** The maximum size of a request body in bytes. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * After `close`, requests are accepted until none has arrived for this time, in milliseconds, or for ten times as long in total; responses announce
   * that connections will close. Default 500.
   */
  readonly drainTime?: number;
  /** The probability that the interval of a predicted number contains the target, such as 0.9. Default: no interval. */
  readonly interval?: number;
  /** The cost of missing each class, such as { fraud: 20 }: the cheapest class is predicted. Default: the most probable one. */
  readonly costs?: ClassCosts;
}

const serveKinds: OptionKinds<ServeOptions> = {
  host: kind.string,
  port: kind.number,
  maxBatchRows: kind.number,
  maxWaitingRows: kind.number,
  maxRequestRows: kind.number,
  maxBodyBytes: kind.number,
  drainTime: kind.number,
  interval: kind.number,
  costs: kind.recordOf(kind.number),
};

export interface Service {
  /** The address of the service: "http://127.0.0.1:8080". */
  readonly address: string;
  /** The accepted content types: JSON, or those of images. */
  readonly types: readonly string[];
  /** Answers pending requests, and ends. */
  close(): Promise<void>;
}

async function loadFastify(): Promise<typeof import("fastify")["fastify"]> {
  try {
    return (await import("fastify")).fastify;
  } catch (cause) {
    throw missingPackage("fastify", "serving a run", cause);
  }
}

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

/** The rows of a body, and whether it was a single one. */
function rowsOf(body: unknown, most: number): { readonly rows: readonly Row[]; readonly single: boolean } {
  if (isRow(body)) return { rows: [body], single: true };
  if (!Array.isArray(body))
    throw new HebbError('the body must be an object with a row, such as { "age": 41 }, or a list of rows');
  if (body.length > most)
    throw new TooLarge(`${body.length} rows are more than the ${most} of one request; send them in parts`);
  const odd = body.findIndex((row) => !isRow(row));
  if (odd >= 0) throw new HebbError(`row ${odd} is not an object by column, such as { "age": 41 }`);
  return { rows: body, single: false };
}

class TooLarge extends HebbError {}

/** The status of an error, and the message for its sender. Errors that are not the sender's fault stay internal. */
function statusOf(error: unknown, types: readonly string[]): { readonly status: number; readonly message: string } {
  if (error instanceof Overloaded) return { status: 503, message: error.message };
  if (error instanceof TooLarge) return { status: 413, message: error.message };
  if (error instanceof HebbError) return { status: 400, message: error.message };
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status === 415)
    return {
      status,
      message: `the content type is missing or not supported; set the header content-type: ${types.join(" or ")}`,
    };
  if (status >= 400 && status < 500 && error instanceof Error) return { status, message: error.message };
  return { status: 500, message: "the prediction failed; the log of the service says why" };
}

/** Waits that long, and until requests that arrived meanwhile have been read: computing a batch blocks everything else. */
async function aWhile(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const seconds = (): number => performance.now() / 1000;

/** The data shared by the handlers of one service. */
interface Served {
  readonly run: LoadedRun;
  readonly schemas: RunSchemas;
  readonly predicted: PredictOptions;
  readonly name: string;
  readonly batcher: Batcher;
  readonly metrics: ServeMetrics;
  readonly maxRequestRows: number;
  draining: boolean;
  /** The time of the last request, in seconds. */
  lastRequest: number;
}

/** A request: the number of rows, and their predictions. */
interface Question {
  readonly rows: number;
  answer(): Promise<unknown>;
}

function questionOf(body: unknown, { run, batcher, maxRequestRows, predicted }: Served): Question {
  const { preprocessing } = run;
  if (preprocessing.kind === "images")
    return { rows: 1, answer: async () => (await run.predict(await pixelsOf(body, preprocessing), predicted))[0] };
  const { rows, single } = rowsOf(body, maxRequestRows);
  return {
    rows: rows.length,
    async answer() {
      const predictions = rows.length === 0 ? [] : await batcher.ask(rows);
      return single ? predictions[0] : predictions;
    },
  };
}

function addRoutes(app: FastifyInstance, served: Served): void {
  const { name, batcher, metrics, schemas } = served;
  const openApi = openApiOf(name, "1", schemas);
  app.post("/predict", async (request: FastifyRequest, reply: FastifyReply) => {
    const began = seconds();
    let [status, count] = [500, 0];
    try {
      const question = questionOf(request.body, served);
      count = question.rows;
      const answer = await question.answer();
      status = 200;
      return answer;
    } catch (error) {
      ({ status } = statusOf(error, schemas.types));
      if (status === 503) reply.header("retry-after", "1");
      throw error;
    } finally {
      metrics.add(status, seconds() - began, count);
    }
  });
  app.get("/health", (_request, reply) => {
    reply.code(served.draining ? 503 : 200).send({ status: served.draining ? "draining" : "ok", run: name });
  });
  app.get("/schema", () => schemas);
  app.get("/openapi.json", () => openApi);
  app.get("/metrics", (_request, reply) => {
    reply.type("text/plain; version=0.0.4").send(metrics.text(batcher));
  });
}

/**
 * Serves the predictions of a run folder until `close`: POST /predict takes a row or a list of rows as JSON, or an image; GET /health, /schema,
 * /openapi.json and /metrics give the rest. Rows of concurrent requests are computed together. Throws HebbError if the folder is not a run, the
 * interval or the costs do not match it, the port is taken, or Fastify is not installed.
 */
export async function serveRun(folder: string, options: ServeOptions = {}): Promise<Service> {
  const {
    host = "127.0.0.1",
    port = 8080,
    maxBatchRows = 256,
    maxWaitingRows = 16_384,
    maxRequestRows = 4096,
    maxBodyBytes = 4 * 2 ** 20,
    drainTime = 500,
    interval,
    costs,
  } = checkOptions("serveRun", options, serveKinds);
  const run = await loadRun(folder);
  if (run.preprocessing.kind === "text")
    throw new HebbError(
      `${folder} was trained to generate text; serving takes runs of tables, of texts in a table, and of pictures`,
    );
  const predicted: PredictOptions = {
    ...(interval === undefined ? {} : { interval }),
    ...(costs === undefined ? {} : { costs }),
  };
  // Invalid options are refused now instead of with every request.
  const { preprocessing } = run;
  await run.predict(preprocessing.kind === "images" ? blankPicture(preprocessing.shape) : [], predicted);
  const schemas = schemasOf(preprocessing, interval !== undefined);
  const fastify = await loadFastify();
  const app = fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    // Requests that arrive while it closes are answered too.
    return503OnClosing: false,
    forceCloseConnections: "idle",
  });
  if (preprocessing.kind === "images")
    app.addContentTypeParser([...pictureTypes], { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  const batcher = new Batcher((rows) => run.predict(rows, predicted), { maxBatchRows, maxWaitingRows });
  const served: Served = {
    run,
    schemas,
    predicted,
    name: folder,
    batcher,
    metrics: new ServeMetrics(),
    maxRequestRows,
    draining: false,
    lastRequest: 0,
  };
  app.setErrorHandler((error, _request, reply) => {
    const { status, message } = statusOf(error, schemas.types);
    if (status === 500) process.emitWarning(error instanceof Error ? error : String(error));
    reply.code(status).send({ error: message });
  });
  app.setNotFoundHandler((request, reply) => {
    reply.code(404).send({
      error: `there is no ${request.method} ${request.url.split("?")[0]}; POST /predict takes ${preprocessing.kind === "images" ? "a picture" : "rows"}`,
    });
  });
  app.addHook("onRequest", async () => {
    served.lastRequest = seconds();
  });
  app.addHook("onSend", async (_request, reply) => {
    if (served.draining) reply.header("connection", "close");
  });
  addRoutes(app, served);
  let address: string;
  try {
    address = await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new HebbError(
      `${host}:${port} cannot be used to listen: ${error instanceof Error ? error.message : error}; choose another port`,
    );
  }
  return {
    address,
    types: schemas.types,
    close: async () => {
      served.draining = true;
      const began = seconds();
      do await aWhile(drainTime);
      while (1000 * (seconds() - served.lastRequest) < drainTime && 1000 * (seconds() - began) < 10 * drainTime);
      await app.close();
    },
  };
}
