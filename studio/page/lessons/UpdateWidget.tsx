// Lesson 7: one update by hand.
import { change } from "../store.ts";
import { Answer } from "./Answer.tsx";

export function UpdateWidget() {
  return (
    <section class="panel widget" aria-labelledby="update-title">
      <header>
        <h2 id="update-title">One update by hand</h2>
        <p class="hint">w = 0.5, slope g = 0.2, learning rate η = 0.1</p>
      </header>
      <p class="formula">plain descent: w′ = w − η g</p>
      <Answer label="w′ after plain descent" name="sgd" truth={0.48} tolerance={0.0011} />
      <p class="formula">Adam: w′ = w − η m̂ / (√v̂ + 1e−8), and at the first step m̂ = g, v̂ = g²</p>
      <Answer label="w′ after Adam" name="adam" truth={0.4} tolerance={0.0011} />
      <div class="row">
        <button
          type="button"
          class="small"
          onClick={() =>
            change({
              surface: "compare",
              lanes: [{ optimizer: "momentum" }, { optimizer: "rmsprop" }, { optimizer: "adam" }],
            })
          }
        >
          Let them race in Compare
        </button>
      </div>
    </section>
  );
}
