// hebb serve: answers equal those of the run however requests are batched, malformed bodies get messages, and SIGTERM loses no request.
import { Agent, request } from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type LoadedRun, loadRun, type Prediction } from "../../src/run/index.ts";
import { Batcher, Overloaded, type Row } from "../../src/run/serve/batcher.ts";
import { openApiOf, schemasOf } from "../../src/run/serve/schema.ts";
import { serveRun } from "../../src/run/serve/server.ts";
import { useHebb } from "./hebb.ts";

const { hebb, folder, start } = useHebb();
let run: LoadedRun;
beforeAll(async () => {
  expect((await hebb("train", "iris", "--epochs", "5", "--out", "flowers")).code).toBe(0);
  run = await loadRun(join(folder(), "flowers"));
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** One request; rejects if the connection ends without an answer. */
function ask(
  address: string,
  body: string | Buffer,
  { agent = new Agent(), type = "application/json" } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${address}/predict`, { method: "POST", agent, headers: { "content-type": type } }, (got) => {
      const parts: Buffer[] = [];
      got.on("data", (part: Buffer) => parts.push(part));
      got.on("error", reject);
      got.on("end", () =>
        resolve({ status: got.statusCode ?? 0, body: Buffer.concat(parts).toString("utf8"), headers: got.headers }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const flower = (i: number): Row => ({
  sepal_length: 4.5 + (i % 30) / 10,
  sepal_width: 2 + (i % 7) / 3,
  petal_length: 1 + (i % 50) / 10,
  petal_width: (i % 25) / 10,
});

const near = (got: Prediction | undefined, wanted: Prediction | undefined): void => {
  expect(got?.prediction).toBe(wanted?.prediction);
  // Sums over different numbers of rows may round differently: a few units of float32.
  for (const [name, share] of Object.entries(wanted?.probabilities ?? {}))
    expect(Math.abs((got?.probabilities?.[name] ?? Number.NaN) - share)).toBeLessThan(2 ** -21);
};

describe("a batch", () => {
  const batcher = (most = 64): Batcher =>
    new Batcher((rows) => run.predict(rows), { maxBatchRows: most, maxWaitingRows: 1000 });

  it("gives each request the answer that it would get alone", async () => {
    const requests: Row[][] = Array.from({ length: 40 }, (_, i) =>
      Array.from({ length: 1 + (i % 5) }, (_, j) => flower(7 * i + j)),
    );
    const together = batcher();
    const answers = await Promise.all(requests.map((rows) => together.ask(rows)));
    expect(together.batches).toBeLessThan(requests.length);
    for (const [i, rows] of requests.entries()) {
      const alone = await run.predict(rows);
      expect(answers[i]?.length).toBe(rows.length);
      for (const [j, prediction] of alone.entries()) near(answers[i]?.[j], prediction);
    }
  });

  it("does not let an unreadable row change the answers to others", async () => {
    const odd: Row[] = [{ ...flower(3), petal_width: "wide" }];
    const mixed: Row[] = [flower(1), { ...flower(2), petal_width: "wide" }];
    const short: Row[] = [{ sepal_length: 5 }];
    const kinds = [odd, [flower(4)], mixed, short, [flower(5)]];
    const alone = await Promise.allSettled(kinds.map((rows) => run.predict(rows)));
    const together = batcher();
    const answers = await Promise.allSettled(kinds.map((rows) => together.ask(rows)));
    for (const [i, answer] of answers.entries()) {
      const wanted = alone[i];
      expect(answer.status).toBe(wanted?.status);
      if (answer.status === "rejected" && wanted?.status === "rejected")
        expect(answer.reason.message).toBe(wanted.reason.message);
      if (answer.status !== "fulfilled" || wanted?.status !== "fulfilled") continue;
      for (const [j, prediction] of wanted.value.entries()) {
        near(answer.value[j], prediction);
        expect(answer.value[j]?.notes).toEqual(prediction.notes);
      }
    }
    expect(new Set(answers.map(({ status }) => status)).size).toBe(2);
  });

  it("refuses requests beyond the queue's limit, and goes on", async () => {
    const small = new Batcher((rows) => run.predict(rows), { maxBatchRows: 4, maxWaitingRows: 8 });
    const asked = Array.from({ length: 10 }, (_, i) => small.ask([flower(i), flower(i + 1)]));
    const states = await Promise.allSettled(asked);
    expect(states.filter(({ status }) => status === "fulfilled").length).toBe(4);
    for (const state of states) if (state.status === "rejected") expect(state.reason).toBeInstanceOf(Overloaded);
    expect((await small.ask([flower(1)])).length).toBe(1);
  });
});

it("describes its inputs and outputs", () => {
  const schemas = schemasOf(run.preprocessing);
  const { request: takes, response } = schemas;
  const [row] = takes["oneOf"] as { required: string[] }[];
  expect(row?.required).toEqual(["sepal_length", "sepal_width", "petal_length", "petal_width"]);
  expect(JSON.stringify(response)).toContain('"enum":["setosa","versicolor","virginica"]');
  expect(JSON.stringify(openApiOf("flowers", "1", schemas))).toContain('"/predict"');
});

describe("a service", () => {
  it("answers malformed bodies with a status and a message, and goes on", async () => {
    const service = await serveRun(join(folder(), "flowers"), {
      port: 0,
      maxBodyBytes: 20_000,
      maxRequestRows: 100,
      drainTime: 0,
    });
    const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    const bodies: readonly (readonly [string | Buffer, number, RegExp])[] = [
      ["", 400, /./],
      ["[1", 400, /JSON/],
      ["null", 400, /list of rows/],
      ['"x"', 400, /list of rows/],
      ["[[1, 2]]", 400, /row 0 is not an object/],
      [deep, 400, /row 0 is not an object/],
      ['{"__proto__": {"x": 1}}', 400, /./],
      ["{}", 400, /empty object/],
      ['{"sepal_width": 2}', 400, /columns .* are missing/],
      [JSON.stringify([{ sepal_length: {} }]), 400, /./],
      [Buffer.from([0xff, 0xfe, 0x00, 0x80]), 400, /JSON/],
      [`[${"1,".repeat(15_000)}1]`, 413, /too large/],
      [JSON.stringify(Array.from({ length: 101 }, () => ({}))), 413, /101 rows are more than the 100/],
    ];
    for (const [body, status, sentence] of bodies) {
      const answer = await ask(service.address, body);
      expect([body.slice(0, 30), answer.status]).toEqual([body.slice(0, 30), status]);
      expect((JSON.parse(answer.body) as { error: string }).error).toMatch(sentence);
    }
    const form = await ask(service.address, "a=1", { type: "application/x-www-form-urlencoded" });
    expect([form.status, form.body]).toEqual([415, expect.stringContaining("content-type: application/json")]);
    const good = await ask(service.address, JSON.stringify(flower(1)));
    near(JSON.parse(good.body) as Prediction, (await run.predict([flower(1)]))[0]);
    const metrics = await (await fetch(`${service.address}/metrics`)).text();
    expect(metrics).toContain('hebb_requests_total{status="200"} 1\n');
    await service.close();
    await expect(fetch(`${service.address}/health`)).rejects.toThrow();
  });

  it("predicts the class with the least cost where mistakes have costs", async () => {
    const costs = { virginica: 1000 };
    const service = await serveRun(join(folder(), "flowers"), { port: 0, drainTime: 0, costs });
    const rows = Array.from({ length: 30 }, (_, i) => flower(i));
    const answer = await ask(service.address, JSON.stringify(rows));
    const served = JSON.parse(answer.body) as Prediction[];
    const wanted = await run.predict(rows, { costs });
    const usual = await run.predict(rows);
    expect(served.map(({ prediction }) => prediction)).toEqual(wanted.map(({ prediction }) => prediction));
    expect(served.map(({ prediction }) => prediction)).not.toEqual(usual.map(({ prediction }) => prediction));
    await service.close();
    const refused = await hebb("serve", "flowers", "--port", "0", "--costs", "virginca=2");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/no class "virginca".*"virginica"/)]);
  });

  it("ends with a message where the port is taken or the run is missing", async () => {
    const service = await serveRun(join(folder(), "flowers"), { port: 0, drainTime: 0 });
    const port = new URL(service.address).port;
    const taken = await hebb("serve", "flowers", "--port", port);
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringMatching(/cannot be used to listen.*choose another port/),
    ]);
    await service.close();
    expect((await hebb("serve", "nothing")).code).toBe(1);
  });

  it("answers all requests when it is told to end under load", async () => {
    const serving = start("serve", "flowers", "--port", "0", "--json");
    const address = await new Promise<string>((resolve) =>
      serving.process.stdout?.on("data", (text: string) => {
        const found = /http:[^"]*/.exec(text)?.[0];
        if (found !== undefined) resolve(found);
      }),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    const wanted = await run.predict([flower(11)]);
    let [answered, ended] = [0, false];
    const client = async (): Promise<void> => {
      while (!ended) {
        const answer = await ask(address, JSON.stringify(flower(11)), { agent }).catch(
          (error: NodeJS.ErrnoException) => error,
        );
        if (answer instanceof Error) {
          throw new Error(`a request was lost: ${answer.code}, after ${answered} answers`);
        }
        expect(answer.status).toBe(200);
        near(JSON.parse(answer.body) as Prediction, wanted[0]);
        answered++;
      }
    };
    const clients = Array.from({ length: 100 }, client);
    await vi.waitFor(() => expect(answered).toBeGreaterThan(200), { timeout: 50_000, interval: 50 });
    serving.process.kill("SIGTERM");
    // Clients whose connections were announced to end may connect once more.
    await new Promise((resolve) => setTimeout(resolve, 200));
    ended = true;
    await Promise.all(clients);
    agent.destroy();
    expect((await serving.finished).code).toBe(0);
  });
});
