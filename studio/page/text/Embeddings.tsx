// The token embeddings in the plane of their largest differences.
import * as say from "../../texts/en/text.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { percent, short } from "../numbers.ts";
import { hot, info, shownToken, slow } from "./textStore.ts";

const margin = 18;

/** For a text: vowels, other letters, digits and everything else, each with its own hue, so that groups are visible. */
function kindOf(name: string): number {
  if (info.value?.kind !== "corpus") return 0;
  const letter = name.replace(/^␣+/, "");
  if (/^[aeiouyAEIOUY]/.test(letter)) return 1;
  if (/^\p{L}/u.test(letter)) return 0;
  return /^\p{N}/u.test(letter) ? 2 : 3;
}

function paint({ context, width, height }: Surface): void {
  const { projection } = hot;
  if (projection === undefined) return;
  const palette = colors.value;
  const { tokens, x, y } = projection;
  let most = 1e-9;
  for (let k = 0; k < tokens.length; k++) most = Math.max(most, Math.abs(x[k] ?? 0), Math.abs(y[k] ?? 0));
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(width / 2, 0);
  context.lineTo(width / 2, height);
  context.moveTo(0, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${tokens.length > 80 ? 11 : 13}px ui-sans-serif, system-ui, sans-serif`;
  const hues = [palette.ink, palette.low, palette.high, palette.soft];
  for (let k = 0; k < tokens.length; k++) {
    const name = shownToken(tokens[k] ?? 0);
    context.fillStyle = hues[kindOf(name)] ?? palette.ink;
    context.fillText(
      name.slice(0, 8),
      width / 2 + ((x[k] ?? 0) / most) * (width / 2 - margin),
      height / 2 - ((y[k] ?? 0) / most) * (height / 2 - margin),
    );
  }
}

function rows(): string[][] {
  const { projection } = hot;
  if (projection === undefined) return [];
  return Array.from(projection.tokens, (token, k) => [
    shownToken(token),
    short(projection.x[k] ?? 0),
    short(projection.y[k] ?? 0),
  ]);
}

export function Embeddings() {
  slow.value;
  const share = hot.projection?.share;
  return (
    <section class="panel embeddings" aria-labelledby="embeddings-title">
      <header>
        <h2 id="embeddings-title">{say.embeddings}</h2>
        <p class="hint">{share === undefined ? "" : say.ofTheDifferencesLieInThis(percent(share))}</p>
      </header>
      <div class="embeddings-box">
        <Canvas paint={paint} of={() => hot.projection} label={say.everyTokenWhereItsEmbeddingLies} />
      </div>
      <AsTable
        label={say.placesOfTheTokens}
        heads={[say.token, say.firstAxis, say.secondAxis]}
        rows={rows}
        follows={slow}
      />
    </section>
  );
}
