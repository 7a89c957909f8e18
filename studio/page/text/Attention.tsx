// The attention of each head: a small map for every head of every layer, and the chosen one large, with its tokens.

import { useRef } from "preact/hooks";
import type { Look } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { mapOf } from "../draw/field.ts";
import { percent } from "../numbers.ts";
import { AttentionSteps } from "./AttentionSteps.tsx";
import { alter, headIn, hot, info, place, placeIn, shownToken, slow, text } from "./textStore.ts";

/** The map of a head, with its corner and size: row by row the attention of each token. */
function drawMap(
  surface: Surface,
  look: Look,
  at: { readonly layer: number; readonly head: number },
  box: readonly [number, number, number],
): void {
  const n = look.tokens.length;
  const [left, top, side] = box;
  const from = (at.layer * look.heads + at.head) * n * n;
  if (from + n * n > look.attention.length) return;
  const { context } = surface;
  context.imageSmoothingEnabled = false;
  context.drawImage(mapOf({ values: look.attention, from, side: n }, colors.value, 1), left, top, side, side);
}

function Small({ layer, head, chosen }: { readonly layer: number; readonly head: number; readonly chosen: boolean }) {
  return (
    <button
      type="button"
      class="head"
      aria-pressed={chosen}
      aria-label={say.layerHead(layer + 1, head + 1)}
      title={say.layerHead2(layer + 1, head + 1)}
      onClick={() => alter({ head: `${layer}.${head}` })}
    >
      <Canvas
        paint={(surface) => {
          const look = hot.picture?.look;
          if (look !== undefined)
            drawMap(surface, look, { layer, head }, [0, 0, Math.min(surface.width, surface.height)]);
        }}
      />
    </button>
  );
}

const margin = 34;
const font = "11px ui-sans-serif, system-ui, sans-serif";

/** The position of the large map, and the size of a token in it. */
const frameOf = ({ width, height }: { readonly width: number; readonly height: number }, n: number) => {
  const side = Math.min(width - margin, height - margin);
  return { left: margin, top: margin, side, each: side / n };
};

function paintLarge(surface: Surface): void {
  const look = hot.picture?.look;
  if (look === undefined || look.heads === 0) return;
  const palette = colors.value;
  const { context } = surface;
  const n = look.tokens.length;
  const { left, top, side, each } = frameOf(surface, n);
  drawMap(surface, look, headIn(look), [left, top, side]);
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  const row = placeIn(look);
  context.strokeStyle = palette.accent;
  context.lineWidth = 2;
  context.strokeRect(left, top + row * each, side, each);
  // Labels keep a legible distance.
  const skip = Math.max(1, Math.ceil(12 / each));
  context.font = font;
  for (let k = 0; k < n; k += skip) {
    const name = shownToken(look.tokens[k] ?? 0).slice(0, 5);
    context.fillStyle = k === row ? palette.ink : palette.soft;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(name, left - 5, top + (k + 0.5) * each);
    context.save();
    context.translate(left + (k + 0.5) * each, top - 5);
    if (name.length > 1) context.rotate(-Math.PI / 3);
    context.textAlign = name.length > 1 ? "left" : "center";
    context.textBaseline = name.length > 1 ? "middle" : "alphabetic";
    context.fillText(name, 0, 0);
    context.restore();
  }
}

function Large() {
  const readout = useRef<HTMLParagraphElement>(null);
  const tell = (event: PointerEvent, choose: boolean): void => {
    const look = hot.picture?.look;
    const canvas = event.currentTarget;
    if (look === undefined || !(canvas instanceof HTMLElement) || readout.current === null) return;
    const box = canvas.getBoundingClientRect();
    const n = look.tokens.length;
    const { left, top, each } = frameOf(box, n);
    const [to, row] = [
      Math.floor((event.clientX - box.left - left) / each),
      Math.floor((event.clientY - box.top - top) / each),
    ];
    if (to < 0 || row < 0 || to >= n || row >= n) return;
    if (choose) place.value = row;
    const { layer, head } = headIn(look);
    const weight = look.attention[((layer * look.heads + head) * n + row) * n + to] ?? 0;
    readout.current.textContent =
      to > row
        ? say.placeCannotSeePlaceWhichComes(row + 1, shownToken(look.tokens[row] ?? 0), to + 1)
        : say.placeAttendsToPlaceWith(
            row + 1,
            shownToken(look.tokens[row] ?? 0),
            to + 1,
            shownToken(look.tokens[to] ?? 0),
            percent(weight),
          );
  };
  return (
    <>
      <div
        class="attention-large"
        onPointerMove={(event) => tell(event, false)}
        onPointerDown={(event) => tell(event, true)}
      >
        <Canvas paint={paintLarge} label={say.whatEachTokenInItsRow} />
      </div>
      <p class="hint attention-says" ref={readout}>
        {say.rowsLookColumnsAreLookedAt}
      </p>
    </>
  );
}

function rows(): string[][] {
  const look = hot.picture?.look;
  if (look === undefined || look.heads === 0) return [];
  const { layer, head } = headIn(look);
  const n = look.tokens.length;
  return Array.from(look.tokens, (token, row) => {
    const from = ((layer * look.heads + head) * n + row) * n;
    const most = Array.from({ length: row + 1 }, (_, k) => k)
      .sort((a, b) => (look.attention[from + b] ?? 0) - (look.attention[from + a] ?? 0))
      .slice(0, 3);
    return [
      `${row + 1} ${shownToken(token)}`,
      most
        .map((k) => `${k + 1} ${shownToken(look.tokens[k] ?? 0)} ${percent(look.attention[from + k] ?? 0)}`)
        .join(", "),
    ];
  });
}

export function Attention() {
  // The state determines the number of maps before they exist, so that nothing moves when they appear.
  const { model, layers, heads: wanted } = text.value;
  const heads = model === "gpt" ? (info.value?.lanes[0]?.heads ?? wanted) : 0;
  slow.value;
  const look = hot.picture?.look;
  const chosen = look === undefined ? undefined : headIn(look);
  return (
    <section class="panel attention" aria-labelledby="attention-title">
      <header>
        <h2 id="attention-title">{say.attention}</h2>
        <p class="hint">
          {chosen !== undefined &&
            look !== undefined &&
            look.heads > 0 &&
            say.layerHead2(chosen.layer + 1, chosen.head + 1)}
        </p>
      </header>
      {heads === 0 ? (
        <p class="hint no-attention">{say.aRecurrentNetworkAttendsToNothing}</p>
      ) : (
        <>
          <div class="heads" data-arrows>
            {Array.from({ length: layers }, (_, layer) => (
              <div key={layer} class="head-row">
                <span class="hint">{say.layer(layer + 1)}</span>
                {Array.from({ length: heads }, (_, head) => (
                  <Small
                    key={head}
                    layer={layer}
                    head={head}
                    chosen={chosen?.layer === layer && chosen.head === head}
                  />
                ))}
              </div>
            ))}
          </div>
          <Large />
          <AttentionSteps />
          <AsTable
            label={say.whatEachTokenAttendsToMost}
            heads={[say.token, say.attendsTo]}
            rows={rows}
            follows={slow}
          />
        </>
      )}
    </section>
  );
}
