// The current text, token by token, and the model's prediction: chosen by hand, with temperature and top-k.

import { useEffect, useMemo } from "preact/hooks";
import { isTask } from "../../shared/text.ts";
import type { Look } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { Icon } from "../icons.tsx";
import { Slider } from "../lab/controls.tsx";
import { percent } from "../numbers.ts";
import { chancesOf, drawnFrom } from "./chances.ts";
import { alter, append, headIn, hot, info, place, placeIn, shownToken, slow, text, writing } from "./textStore.ts";

/** The most candidates shown. */
const shown = 10;
/** Milliseconds between two tokens that it writes by itself. */
const pace = 160;

function Tokens({ look }: { readonly look: Look }) {
  const n = look.tokens.length;
  const at = placeIn(look);
  const { layer, head } = headIn(look);
  const from = ((layer * look.heads + head) * n + at) * n;
  const move = (by: number): void => {
    place.value = Math.max(0, Math.min(n - 1, at + by));
    document.querySelector<HTMLElement>(`.token[data-place="${place.value}"]`)?.focus();
  };
  return (
    <div class="tokens" role="group" aria-label={say.theTextTokenByToken} data-arrows>
      {Array.from(look.tokens, (token, k) => {
        const weight = look.heads > 0 && k <= at ? (look.attention[from + k] ?? 0) : 0;
        return (
          <button
            key={k}
            type="button"
            class="token"
            data-place={k}
            aria-pressed={k === at}
            aria-label={say.place(
              k + 1,
              shownToken(token),
              look.heads > 0 && k <= at ? say.attendedToWith(percent(weight)) : "",
            )}
            tabIndex={k === at ? 0 : -1}
            style={{ "--weight": String(Math.round(100 * Math.min(1, weight))) }}
            onClick={() => {
              place.value = k === n - 1 ? Number.POSITIVE_INFINITY : k;
            }}
            onKeyDown={({ key }) => {
              if (key === "ArrowRight") move(1);
              else if (key === "ArrowLeft") move(-1);
            }}
          >
            {shownToken(token)}
          </button>
        );
      })}
    </div>
  );
}

function Next({ look }: { readonly look: Look }) {
  const { temperature, topK } = text.value;
  const size = info.value?.tokens.length ?? 1;
  const at = placeIn(look);
  const chances = chancesOf(look.logits.subarray(at * size, (at + 1) * size), temperature, topK);
  return (
    <ol class="next" aria-label={say.whatComesNext}>
      {Array.from({ length: Math.min(shown, size) }, (_, rank) => {
        const one = chances[rank];
        return (
          <li key={rank}>
            <button
              type="button"
              disabled={one === undefined}
              aria-label={one === undefined ? say.noFurtherToken : say.take(shownToken(one.token), percent(one.chance))}
              onClick={() => one !== undefined && append(one.token)}
            >
              {one === undefined ? "" : shownToken(one.token)}
            </button>
            <svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <rect width={100 * (one?.chance ?? 0)} height="10" rx="1" />
            </svg>
            <span aria-hidden="true">{one === undefined ? "" : percent(one.chance)}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** Draws a token and appends it. */
function writeOne(): void {
  const look = hot.picture?.look;
  const size = info.value?.tokens.length;
  if (look === undefined || size === undefined) return;
  const { temperature, topK } = text.value;
  const at = placeIn(look);
  const token = drawnFrom(
    chancesOf(look.logits.subarray(at * size, (at + 1) * size), temperature, topK),
    Math.random(),
  );
  if (token !== undefined) append(token);
}

/** The stops of top-k; the last one means all tokens. */
const kStops = [1, 2, 3, 5, 10, 20, 40, 0];

export function Reading() {
  slow.value;
  const { prompt, temperature, topK, source } = text.value;
  const look = hot.picture?.look;
  const on = writing.value;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(writeOne, pace);
    return () => clearInterval(timer);
  }, [on]);
  const about = useMemo(() => (isTask(source) ? say.theAnswerFollowsAfterClickA : say.clickATokenToSeeWhat), [source]);
  return (
    <section class="panel reading" aria-labelledby="reading-title">
      <header>
        <h2 id="reading-title">{say.nextToken}</h2>
        <button type="button" class="small" onClick={writeOne} disabled={look === undefined}>
          {say.drawOne}
        </button>
        <button
          type="button"
          class="small"
          aria-pressed={on}
          disabled={look === undefined}
          onClick={() => {
            writing.value = !on;
          }}
        >
          {say.writeOn}
        </button>
      </header>
      <div class="row prompt">
        <input
          type="text"
          aria-label={say.theTextThatIsLookedAt}
          placeholder={say.typeATextToLookAt}
          value={prompt}
          onInput={({ currentTarget }) => {
            place.value = Number.POSITIVE_INFINITY;
            alter({ prompt: currentTarget.value.slice(0, 300) });
          }}
        />
        <button
          type="button"
          class="small"
          disabled={prompt === ""}
          aria-label={say.backToTheTextThatWas}
          onClick={() => {
            writing.value = false;
            place.value = Number.POSITIVE_INFINITY;
            alter({ prompt: "" });
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="tokens-box">{look !== undefined && <Tokens look={look} />}</div>
      <p class="hint reading-says" role="status">
        {look !== undefined && look.unknown !== ""
          ? say.noTokenForLeftOut(look.unknown.slice(0, 12))
          : `${about}${look !== undefined && look.heads > 0 ? say.theShadeIsWhatTheChosen : ""}`}
      </p>
      <div class="next-box">
        <div class="next-place">{look !== undefined && <Next look={look} />}</div>
        <div class="drawing">
          <Slider
            label={say.temperature}
            value={temperature}
            stops={[0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.5, 2, 3]}
            show={(value) => (value === 0 ? say.n0TheLikeliest : String(value))}
            choose={(value) => alter({ temperature: value })}
          />
          <Slider
            label={say.topK}
            value={topK === 0 ? 1000 : topK}
            stops={kStops.map((stop) => (stop === 0 ? 1000 : stop))}
            show={(value) => (value === 1000 ? say.allTokens : `the ${value} likeliest`)}
            choose={(value) => alter({ topK: value === 1000 ? 0 : value })}
          />
          <p class="hint">{say.theLogitsAreDividedByThe}</p>
        </div>
      </div>
    </section>
  );
}
