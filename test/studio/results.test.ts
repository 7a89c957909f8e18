// Results: the surface shows the library's results for the same network and rows, and draws them without faults.
import { beforeAll, describe, expect, it } from "vitest";
import { data, noGrad, tensor, useBackend } from "../../src/index.ts";
import { metrics } from "../../src/train/index.ts";
import { lookAt } from "../../studio/engine/pictureLook.ts";
import { predict } from "../../studio/engine/predict.ts";
import { dependence, importance, results } from "../../studio/engine/results.ts";
import { Session } from "../../studio/engine/session.ts";
import { readState, type StudioState } from "../../studio/shared/state.ts";
import { missing, until, useStudio } from "./browser.ts";

const csv = (rows: readonly (readonly (string | number)[])[]): string => rows.map((row) => row.join()).join("\n");
const people = csv([
  ["age", "colour", "buys", "spends"],
  ...Array.from({ length: 160 }, (_, k) => {
    const [age, colour] = [(k * 37) % 50, ["red", "green", "blue"][k % 3] ?? ""];
    return [age, colour, k % 3 === 1 || age > 30 ? "yes" : "no", age * (1 + (k % 3)) + ((k * 17) % 5)];
  }),
]);

async function trained(target: string, patch: Partial<StudioState> = {}, steps = 120): Promise<Session> {
  const state = readState({ data: "own", target, layers: [{ kind: "dense", units: 8, activation: "relu" }], ...patch });
  const session = await Session.open(state, { kind: "table", name: "people.csv", text: people });
  session.advance(steps);
  return session;
}

describe("the engine's results", () => {
  beforeAll(() => {
    useBackend({ backend: "wasm", threads: 1 });
  });

  it("two classes: the bar's accuracy, and the worst rows as in the table, each with its loss", async () => {
    for (const patch of [{}, { ensemble: { members: 4, bins: 8, embedding: 4 } }]) {
      const session = await trained("buys", { loss: "bce", ...patch });
      const found = results(session);
      const said = Uint8Array.from(found.outputs, (chance) => (chance >= 0.5 ? 1 : 0));
      expect(metrics.accuracy(said, found.truth)).toBeCloseTo(session.now().test?.metric ?? 0, 12);
      expect(found.columns).toEqual(["age", "colour", "spends"]);
      const lines = people.split("\n").slice(1);
      for (const { row, cells, truth, off, loss } of found.worst) {
        const [age, colour, buys, spends] = (lines[row - 1] ?? "").split(",");
        expect([cells, truth]).toEqual([[age, colour, spends], buys]);
        expect(loss).toBeCloseTo(-Math.log(off), 4);
      }
      const offs = found.worst.map(({ off }) => off);
      expect(offs).toEqual([...offs].sort((a, b) => a - b));
    }
  });

  it("a number: R² of the bar, in the units of the table", async () => {
    const session = await trained("spends", { loss: "mse" });
    const found = results(session);
    expect(metrics.r2(found.outputs, found.truth)).toBeCloseTo(session.now().test?.metric ?? 0, 4);
    const lines = people.split("\n").slice(1);
    for (const { row, truth } of found.worst)
      expect(Number(truth)).toBeCloseTo(Number(lines[row - 1]?.split(",")[3]), 2);
  });

  it("importance: columns as a whole; a column without information has none", async () => {
    const session = await trained("buys", { loss: "bce" }, 400);
    const before = session.now().train.loss;
    const found = importance(session, { repeats: 3 });
    expect(found.metric).toBeCloseTo(session.now().test?.metric ?? 0, 12);
    expect(found.columns.map(({ name }) => name).sort()).toEqual(["age", "colour", "spends"]);
    expect(found.columns.find(({ name }) => name === "colour")?.count).toBe(3);
    expect(found.columns[0]?.mean).toBeGreaterThan(0.05);
    // The training is not disturbed.
    session.record();
    expect(session.measure(session.trainPart).loss).toBeCloseTo(before, 6);
  });

  it("a picture: the stages, the answer, and slopes that agree with finite differences", async () => {
    const conv = (units: number) => ({ kind: "conv" as const, units, activation: "tanh" as const });
    const patch = { data: "digits" as const, count: 200, loss: "crossEntropy" as const, layers: [conv(3), conv(4)] };
    const session = await Session.open(readState({ ...patch, batch: 32 }), undefined);
    session.advance(60);
    const { network, prepared, trainPart } = session;
    const look = lookAt(session, { row: 5 });
    const pixels = Float32Array.from(trainPart.x.narrow(0, 5, 1).dataSync());
    expect(look.picture).toEqual(pixels);
    const answer = (picture: Float32Array): Float32Array => {
      network.model.eval();
      const output = noGrad(() => network.model.forward(tensor(picture, { shape: [1, ...prepared.info.inputShape] })));
      network.model.train();
      return Float32Array.from(output.dataSync());
    };
    const logits = answer(pixels);
    expect(look.stages.at(-1)).toEqual(logits);
    expect(look.stages.map(({ length }) => length)).toEqual([3 * 6 * 6, 4 * 3 * 3, 10]);
    const said = metrics.predictedClasses(logits, 10)[0] ?? 0;
    expect(look.reading.label).toBe(String(said));
    const [h, most] = [1e-2, Math.max(...look.saliency)];
    for (let pixel = 0; pixel < pixels.length; pixel += 17) {
      const [up, down] = [pixels.slice(), pixels.slice()];
      up[pixel] = (up[pixel] ?? 0) + h;
      down[pixel] = (down[pixel] ?? 0) - h;
      const slope = Math.abs(((answer(up)[said] ?? 0) - (answer(down)[said] ?? 0)) / (2 * h));
      // Sometimes a kink of the pooling is between the two; then the slope of one side is reported.
      expect(Math.abs(slope - (look.saliency[pixel] ?? 0))).toBeLessThan(0.08 * most);
    }
    const mistakes = results(session).worst.filter(({ said: called, truth }) => called !== truth);
    expect(mistakes.every(({ picture }) => picture?.length === pixels.length)).toBe(true);
    expect(() => lookAt(session, { row: 1e6 })).toThrow(/there is no training row/);
  });

  it("days are in order, and the form starts with cells in the table's notation", async () => {
    const rows = Array.from({ length: 120 }, (_, k) => {
      const day = new Date(Date.UTC(2023, 0, 1 + ((k * 7) % 120)));
      const written = day.toISOString().slice(0, 10).split("-").reverse().join(".");
      return [written, `${(k * 37) % 50},5`, (k * 7) % 120];
    });
    const text = [["day", "size", "price"], ...rows].map((row) => row.join(";")).join("\n");
    const state = readState({ data: "own", target: "price", loss: "mse", layers: [] });
    const session = await Session.open(state, { kind: "table", name: "prices.csv", text });
    session.advance(20);
    const { names } = dependence(session, { column: 0 });
    const inOrder = names.map((name) => name.split(".").reverse().join("-"));
    expect(inOrder).toEqual([...inOrder].sort());
    expect(
      inOrder
        .slice(0, 1)
        .concat(inOrder.slice(-1))
        .map((name) => name.slice(0, 7)),
    ).toEqual(["2023-01", "2023-04"]);
    const { form } = session.prepared.info;
    expect(form.map(({ name, kind }) => [name, kind])).toEqual([
      ["day", "text"],
      ["size", "text"],
    ]);
    const cells = Object.fromEntries(
      form.map((field) => [field.name, field.kind === "category" ? "" : String(field.start)]),
    );
    expect(cells).toEqual({ day: expect.stringMatching(/^\d\d\.\d\d\.2023$/), size: expect.stringMatching(/^\d+,5$/) });
    expect(Number(predict(session, { cells }).label)).toBeGreaterThan(-1000);
  });

  it("dependence: the mean of the engine's answers with the column set by hand", async () => {
    const session = await trained("buys", { loss: "bce" });
    const { prepared, network } = session;
    const rows = prepared.test ?? prepared.train;
    const numbers = dependence(session, { column: 0 });
    expect(numbers.at[0]).toBeCloseTo(0, 4);
    expect(numbers.at.at(-1)).toBeCloseTo(49, 4);
    const colours = dependence(session, { column: 1 });
    expect([...colours.names].sort()).toEqual(["blue", "green", "red"]);
    const place = colours.names.indexOf("green");
    const set = data.Table.fromRows(
      Array.from(prepared.origin?.testRows ?? [], (row) => {
        const [age = "", , , spends = ""] = (people.split("\n")[row + 1] ?? "").split(",");
        return { age, colour: "green", spends };
      }),
      "set by hand",
    );
    if (prepared.table === undefined) throw new Error("no table");
    const { features, featureCount } = data.applyPreprocessing(prepared.table, set, { targets: "none" });
    network.model.eval();
    const answers = noGrad(() =>
      network.model.forward(tensor(features, { shape: [rows.length, featureCount] })).sigmoid(),
    ).dataSync();
    network.model.train();
    const mean = Array.from(answers).reduce((sum, one) => sum + one, 0) / rows.length;
    expect(colours.mean[place]?.[0]).toBeCloseTo(mean, 5);
  });
});

const studio = useStudio();
describe.skipIf(missing)("the Results surface", () => {
  it("the threshold decides, a column is selected, and with three classes each has its curve", async () => {
    const page = await studio.open("surface=results&data=loans&count=400&noise=0.4&layers=8.relu&step=200", {
      query: "&play=0",
    });
    await page.locator(".importance li").first().waitFor();
    const outcomes = (): Promise<string[]> => page.locator(".outcomes b").allTextContents();
    expect((await outcomes()).map(Number).reduce((a, b) => a + b, 0)).toBe(100);
    await page.locator("#threshold").fill("1");
    expect(Number((await outcomes())[0])).toBeLessThan(3);
    await page.locator("#threshold").fill("0");
    expect((await outcomes())[1]).toBe("0");
    await page.locator(".importance button", { hasText: "debt_ratio" }).click();
    await page.getByRole("img", { name: /goes with debt_ratio/ }).waitFor();
    await page.evaluate("studio.chooseData('iris')");
    await page.evaluate("studio.advance(60)");
    await until(page, ({ step }) => step === 60, "60 steps");
    await page.getByText("“versicolor” or not").waitFor();
    await page.getByLabel("class", { exact: true }).selectOption({ label: "setosa" });
    await page.getByText("“setosa” or not").waitFor();
    await page.evaluate("studio.chooseData('curve')");
    await page.getByRole("heading", { name: "Residuals of y" }).waitFor();
    await page.close();
  }, 300_000);
  it("a picture is chosen, drawn, and asked of the camera only by a click", async () => {
    const page = await studio.open(
      "surface=results&data=digits&count=120&loss=crossEntropy&layers=c4.relu_12.relu&batch=32&step=40",
      { query: "&play=0" },
    );
    await page.getByRole("img", { name: "Feature maps of layer 1" }).waitFor();
    await page.getByRole("img", { name: "Kernels of layer 1" }).waitFor();
    await page
      .getByRole("button", { name: /^picture of row/ })
      .nth(3)
      .click();
    await page.getByRole("button", { name: "draw one" }).click();
    const pad = await page.getByRole("img", { name: "A pad to draw a figure on" }).boundingBox();
    if (pad === null) throw new Error("no pad");
    await page.mouse.move(pad.x + 60, pad.y + 60);
    await page.mouse.down();
    await page.mouse.move(pad.x + 60, pad.y + 200, { steps: 4 });
    await page.mouse.up();
    await page.getByRole("img", { name: "The picture as the network takes it" }).waitFor();
    await page.evaluate(
      "navigator.mediaDevices && (navigator.mediaDevices.getUserMedia = () => { globalThis.asked = true; return Promise.reject(new DOMException('', 'NotAllowedError')); })",
    );
    await page.getByRole("button", { name: "camera", exact: true }).click();
    expect(await page.evaluate("globalThis.asked")).toBeUndefined();
    await page.getByRole("button", { name: "Ask for the camera" }).click();
    await page.getByText(/The camera was not allowed|No camera is available/).waitFor();
    await page.close();
  }, 300_000);
});
