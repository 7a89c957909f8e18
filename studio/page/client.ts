// The page's side of its worker: messages, and requests with answers.

import type { FromWorker, QuestionKind, Questions, ToWorker } from "../shared/protocol.ts";
import * as say from "../texts/en/frame.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Client {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(address: URL, receive: (message: FromWorker) => void) {
    // The page's frame has already started it, if it may run its own scripts.
    const started: unknown = Reflect.get(globalThis, "hebbEngine");
    this.#worker = started instanceof Worker ? started : new Worker(address, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "answer") this.#settle(data.id)?.resolve(data.answer);
      else if (data.kind === "refused") this.#settle(data.id)?.reject(new Error(data.text));
      else receive(data);
    };
    this.#worker.onerror = (event) =>
      receive({ kind: "failed", text: say.theEngineStopped(event.message || say.itCouldNotBeLoaded) });
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  ask<K extends QuestionKind>(question: K, ask: Questions[K]["ask"]): Promise<Questions[K]["answer"]> {
    const id = this.#next++;
    return new Promise<Questions[K]["answer"]>((resolve, reject) => {
      // The worker answers each question with the kind of answer that the table of Questions defines.
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as Questions[K]["answer"]), reject });
      this.#worker.postMessage({ kind: "question", id, question, ask });
    });
  }
}
