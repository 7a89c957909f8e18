// The camera as a source of pictures: only after a click, only in this browser, scaled to the network's input size.

import { useEffect, useRef, useState } from "preact/hooks";
import * as say from "../../texts/en/results.ts";

interface Props {
  /** [channels, height, width]. */
  readonly shape: readonly number[];
  /** Receives the pixels, from 0 to 1, channel by channel. */
  readonly use: (pixels: readonly number[]) => void;
}

/** Milliseconds between two pictures. */
const every = 250;

/** The centre of the camera's picture, as the network's input. */
export function pixelsOf(data: Uint8ClampedArray, channels: number, negative: boolean): number[] {
  const count = data.length / 4;
  const value = (k: number, channel: number): number => {
    const [r = 0, g = 0, b = 0] = data.subarray(4 * k, 4 * k + 3);
    const light = channels === 3 ? ([r, g, b][channel] ?? 0) : 0.299 * r + 0.587 * g + 0.114 * b;
    return negative ? 1 - light / 255 : light / 255;
  };
  return Array.from({ length: channels * count }, (_, k) => value(k % count, Math.floor(k / count)));
}

export function Camera({ shape, use }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [stream, setStream] = useState<MediaStream | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const [channels = 1, height = 1, width = 1] = shape;
  const [negative, setNegative] = useState(channels === 1);
  const start = async (): Promise<void> => {
    try {
      setStream(await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }));
      setProblem("");
    } catch (error) {
      setProblem(
        error instanceof DOMException && error.name === "NotAllowedError"
          ? say.theCameraWasNotAllowedThe
          : say.noCameraIsAvailableToThis,
      );
    }
  };
  useEffect(() => {
    const element = video.current;
    if (stream === undefined || element === null) return;
    element.srcObject = stream;
    void element.play();
    return () => {
      for (const track of stream.getTracks()) track.stop();
    };
  }, [stream]);
  useEffect(() => {
    if (stream === undefined) return;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const timer = setInterval(() => {
      const element = video.current;
      if (context === null || element === null || element.videoWidth === 0) return;
      const side = Math.min(element.videoWidth, element.videoHeight);
      const [left, top] = [(element.videoWidth - side) / 2, (element.videoHeight - side) / 2];
      context.drawImage(element, left, top, side, side, 0, 0, width, height);
      use(pixelsOf(context.getImageData(0, 0, width, height).data, channels, negative));
    }, every);
    return () => clearInterval(timer);
  }, [stream, negative]);
  return (
    <div class="camera">
      <p class="hint">{say.whatTheCameraSeesStaysIn}</p>
      <div class="row">
        <button
          type="button"
          class="small"
          onClick={() => (stream === undefined ? void start() : setStream(undefined))}
        >
          {stream === undefined ? say.askForTheCamera : say.stopTheCamera}
        </button>
        <label class="row">
          <input
            type="checkbox"
            checked={negative}
            onChange={({ currentTarget }) => setNegative(currentTarget.checked)}
          />
          {say.darkOnLight}
        </label>
      </div>
      {problem !== "" && <p class="notice bad">{problem}</p>}
      {stream !== undefined && <video ref={video} muted playsInline aria-label={say.whatTheCameraSees} />}
    </div>
  );
}
