// Short words for the next-letter problem: three letters in, the distribution of the next one out.
import { data } from "../../src/index.ts";

const words =
  "river stone winter summer garden silver morning evening mountain harbor window candle forest meadow shadow thunder lantern feather copper marble violet amber orchard valley island bridge castle market station letter number circle corner mirror paper pencil table kitchen butter pepper honey lemon orange apple cherry walnut almond cinnamon ginger basket blanket pillow carpet ladder hammer needle thread button pocket leather cotton velvet winter spring autumn season weather breeze storm rain snow cloud water fire earth wind light dark night dawn dusk star moon sun planet comet galaxy rocket engine wheel motor signal sensor circuit battery current voltage magnet metal iron steel bronze gold carbon oxygen helium neon argon animal tiger lion panther leopard falcon eagle sparrow robin raven heron salmon trout dolphin whale turtle lizard spider beetle butterfly dragonfly cricket rabbit badger otter beaver marten weasel hunter farmer baker miller painter singer dancer writer teacher doctor sailor pilot driver runner winner leader reader member sister brother mother father daughter cousin uncle friend neighbor stranger traveler village city country nation people";

export const contextLetters = 3;
/** "." ends a word and pads its beginning. */
export const letters = [".", ..."abcdefghijklmnopqrstuvwxyz"];

/** A one-hot vector for each letter of the context. */
export function encodeContext(context: string): Float32Array {
  const out = new Float32Array(contextLetters * letters.length);
  const padded = context.padStart(contextLetters, ".").slice(-contextLetters);
  [...padded].forEach((letter, place) => {
    const at = letters.indexOf(letter);
    if (at >= 0) out[place * letters.length + at] = 1;
  });
  return out;
}

/** Every position of every word: features [n, 81], with the index of the next letter as the target. */
export function nextLetters(): data.Dataset {
  const contexts: Float32Array[] = [];
  const targets: number[] = [];
  for (const word of new Set(words.split(" "))) {
    const whole = `${word}.`;
    for (let place = 0; place < whole.length; place++) {
      contexts.push(encodeContext(whole.slice(0, place)));
      targets.push(letters.indexOf(whole[place] ?? "."));
    }
  }
  const width = contextLetters * letters.length;
  const features = new Float32Array(contexts.length * width);
  contexts.forEach((context, row) => {
    features.set(context, row * width);
  });
  return new data.Dataset({ features, featureShape: [width], targets: Int32Array.from(targets) });
}
