// A picture of the page's drawings, and a short video of a run, as files: the panels with a drawing, painted together with their text.
import * as say from "../texts/en/film.ts";
import { saveFile } from "./files.ts";
import { failure, said, spoken } from "./store.ts";
import { transport } from "./transport.ts";

/** The margin around the panels and the height of the figures above them, in pixels of the page. */
const margin = 14;
const headHeight = 34;
const framesPerSecond = 15;
const mostSeconds = 30;
/** A file without frames is smaller than this. */
const headBytes = 2000;

/** The panels with a drawing of the run, which excludes thumbnails to choose from. */
const drawnPanels = (): HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>("main .panel:not(.data, .learn)")].filter(
    (panel) => panel.checkVisibility() && panel.querySelector("canvas") !== null,
  );

/** Paints the canvases and text of an element, as the page has laid them out. */
function paint(context: CanvasRenderingContext2D, panel: HTMLElement, left: number, top: number): void {
  const { x, y, width, height } = panel.getBoundingClientRect();
  context.save();
  context.translate(-left, -top);
  context.beginPath();
  context.roundRect(x, y, width, height, 10);
  context.fillStyle = getComputedStyle(panel).backgroundColor;
  context.fill();
  context.clip();
  for (const canvas of panel.querySelectorAll("canvas")) {
    const box = canvas.getBoundingClientRect();
    if (canvas.width > 0 && canvas.height > 0 && canvas.checkVisibility())
      context.drawImage(canvas, box.x, box.y, box.width, box.height);
  }
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const { parentElement: owner, textContent } = node;
    const text = (textContent ?? "").replace(/\s+/g, " ").trim();
    if (text === "" || owner === null || !owner.checkVisibility() || owner.closest(".unseen, select, title") !== null)
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const style = getComputedStyle(owner);
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    context.fillStyle = style.color;
    context.textBaseline = "middle";
    context.fillText(text, box.x, box.y + box.height / 2, box.width + 1);
  }
  context.restore();
}

/** Paints all panels below a line with the run's figures. A canvas without a size gets theirs. */
function paintAll(canvas: HTMLCanvasElement, scale: number): void {
  const panels = drawnPanels();
  if (panels.length === 0) throw new Error(say.nothingHereIsDrawn);
  const boxes = panels.map((panel) => panel.getBoundingClientRect());
  const [left, top] = [Math.min(...boxes.map(({ x }) => x)), Math.min(...boxes.map(({ y }) => y))];
  const [right, bottom] = [Math.max(...boxes.map((box) => box.right)), Math.max(...boxes.map((box) => box.bottom))];
  if (canvas.width === 0) {
    // Video encoders require even sizes.
    canvas.width = 2 * Math.ceil((scale * (right - left + 2 * margin)) / 2);
    canvas.height = 2 * Math.ceil((scale * (bottom - top + 2 * margin + headHeight)) / 2);
  }
  const context = canvas.getContext("2d");
  if (context === null) throw new Error(say.thisBrowserGivesNoCanvas);
  const body = getComputedStyle(document.body);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = body.backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.font = `600 14px ${body.fontFamily}`;
  context.fillStyle = body.color;
  context.textBaseline = "middle";
  const figures = transport.value.gauges().map(([name, figure]) => `${name} ${figure}`);
  context.fillText(["hebb", ...figures].join("   "), margin, margin + headHeight / 2 - 6);
  for (const panel of panels) paint(context, panel, left - margin, top - margin - headHeight);
}

const emptyCanvas = (): HTMLCanvasElement => {
  const canvas = document.createElement("canvas");
  canvas.width = 0;
  return canvas;
};

/** Saves the current drawing as PNG, at twice the resolution of the page. */
export async function savePicture(): Promise<void> {
  const canvas = emptyCanvas();
  paintAll(canvas, 2);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob === null) throw new Error(say.thePictureCouldNotBeEncoded);
  saveFile("hebb-studio.png", blob);
  spoken.value = say.thePictureIsSaved;
}

/** Records the drawing while the run continues, until the visitor stops it or half a minute is over. */
export function recordVideo(): void {
  const type = ["video/webm;codecs=vp9", "video/webm", "video/mp4"].find((type) =>
    globalThis.MediaRecorder?.isTypeSupported(type),
  );
  if (type === undefined) {
    failure.value = say.thisBrowserRecordsNoVideoA;
    return;
  }
  const canvas = emptyCanvas();
  paintAll(canvas, 1);
  const recorder = new MediaRecorder(canvas.captureStream(framesPerSecond), {
    mimeType: type,
    videoBitsPerSecond: 6e6,
  });
  const parts: Blob[] = [];
  let ending = false;
  const stop = (): void => {
    // A header alone is not a video, so recording waits for the first frames.
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    if (ending && size > headBytes && recorder.state !== "inactive") recorder.stop();
  };
  recorder.ondataavailable = ({ data }) => {
    parts.push(data);
    stop();
  };
  const painting = setInterval(() => {
    // While no drawing is visible, the video keeps the last picture.
    if (drawnPanels().length > 0) paintAll(canvas, 1);
  }, 1000 / framesPerSecond);
  const end = (): void => {
    ending = true;
    stop();
  };
  const limit = setTimeout(end, 1000 * mostSeconds);
  recorder.onstop = () => {
    clearInterval(painting);
    clearTimeout(limit);
    said.value = undefined;
    saveFile(`hebb-studio.${type.startsWith("video/mp4") ? "mp4" : "webm"}`, new Blob(parts, { type }));
    spoken.value = say.theVideoIsSaved;
  };
  recorder.start(200);
  transport.value.play(true);
  said.value = {
    text: say.aVideoOfWhatIsDrawn(mostSeconds),
    bad: false,
    fix: say.endAndSaveIt,
    act: end,
  };
}
