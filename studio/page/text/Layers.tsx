// The residual stream, layer by layer: the next token that each layer would predict if it were the last, its probability, and the length of the
// vector.

import type { Look } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { percent, short } from "../numbers.ts";
import { hot, placeIn, shownToken, slow, text } from "./textStore.ts";

const label = 62;
const rowHeight = 34;
const headHeight = 22;
const least = 26;

const stageName = (stage: number): string => (stage === 0 ? say.tokens : say.layer2(stage));

/** The positions that fit, around the current one. */
function visible(look: Look, width: number): { readonly from: number; readonly count: number } {
  const n = look.tokens.length;
  const count = Math.max(1, Math.min(n, Math.floor((width - label) / least)));
  return { from: Math.max(0, Math.min(n - count, placeIn(look) - count + 2)), count };
}

function paint({ context, width }: Surface): void {
  const look = hot.picture?.look;
  if (look === undefined) return;
  const palette = colors.value;
  const n = look.tokens.length;
  const { from, count } = visible(look, width);
  const each = (width - label) / Math.max(count, 8);
  const stages = look.norms.length / n;
  const longest = Math.max(1e-9, ...look.norms);
  context.font = "12px ui-sans-serif, system-ui, sans-serif";
  context.textBaseline = "middle";
  for (let k = 0; k < count; k++) {
    context.fillStyle = from + k === placeIn(look) ? palette.accent : palette.soft;
    context.textAlign = "center";
    context.fillText(shownToken(look.tokens[from + k] ?? 0).slice(0, 6), label + (k + 0.5) * each, headHeight / 2);
  }
  for (let stage = 0; stage < stages; stage++) {
    // The last layer is on top, below the tokens that it has read.
    const top = headHeight + (stages - 1 - stage) * rowHeight;
    context.fillStyle = palette.soft;
    context.textAlign = "left";
    context.fillText(stageName(stage), 0, top + rowHeight / 2 - 2);
    for (let k = 0; k < count; k++) {
      const at = stage * n + from + k;
      const surely = look.surely[at] ?? 0;
      const left = label + k * each;
      context.globalAlpha = 0.06 + 0.5 * surely;
      context.fillStyle = palette.accent;
      context.fillRect(left + 1, top + 1, each - 2, rowHeight - 3);
      context.globalAlpha = 1;
      context.fillStyle = palette.ink;
      context.textAlign = "center";
      context.fillText(
        shownToken(look.said[at] ?? 0).slice(0, Math.max(1, Math.floor(each / 8))),
        left + each / 2,
        top + rowHeight / 2 - 3,
      );
      context.fillStyle = palette.high;
      context.fillRect(left + 2, top + rowHeight - 5, (each - 4) * ((look.norms[at] ?? 0) / longest), 2.5);
    }
  }
}

function rows(): string[][] {
  const look = hot.picture?.look;
  if (look === undefined) return [];
  const n = look.tokens.length;
  const stages = look.norms.length / n;
  return Array.from(look.tokens, (token, k) => [
    `${k + 1} ${shownToken(token)}`,
    ...Array.from({ length: stages }, (_, stage) => {
      const at = stage * n + k;
      return `${shownToken(look.said[at] ?? 0)} ${percent(look.surely[at] ?? 0)}, length ${short(look.norms[at] ?? 0)}`;
    }),
  ]);
}

export function Layers() {
  const { layers } = text.value;
  const heads = ["token", ...Array.from({ length: layers + 1 }, (_, stage) => stageName(stage))];
  return (
    <section class="panel layers" aria-labelledby="layers-title">
      <header>
        <h2 id="layers-title">{say.layerByLayer}</h2>
        <p class="hint">{say.whatEachWouldSayComesNext}</p>
      </header>
      <div class="layers-box" data-layers={layers}>
        <Canvas paint={paint} label={say.forEachTokenFromTheEmbedding} />
      </div>
      <p class="legend">
        <span class="key sure">{say.darkerSurer}</span> <span class="key length">{say.barLengthOfTheVector}</span>
      </p>
      <AsTable label={say.whatEachLayerWouldSay} heads={heads} rows={rows} follows={slow} />
    </section>
  );
}
