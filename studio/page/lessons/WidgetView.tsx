// Chooses the widget that a lesson adds to the live page.
import type { Widget } from "../../shared/lessons.ts";
import { ActivationWidget } from "./ActivationWidget.tsx";
import { AttentionWidget } from "./AttentionWidget.tsx";
import { ByHand } from "./ByHand.tsx";
import { ConvolutionWidget } from "./ConvolutionWidget.tsx";
import { ExportWidget } from "./ExportWidget.tsx";
import { GradientWidget } from "./GradientWidget.tsx";
import { LossWidget } from "./LossWidget.tsx";
import { MistakesWidget } from "./MistakesWidget.tsx";
import { PerceptronWidget } from "./PerceptronWidget.tsx";
import { BatchWidget, HeldOutWidget } from "./RowsWidget.tsx";
import { UpdateWidget } from "./UpdateWidget.tsx";

export function WidgetView({ widget }: { readonly widget: Widget }) {
  switch (widget) {
    case "perceptron":
      return <PerceptronWidget />;
    case "activations":
      return <ActivationWidget />;
    case "forward":
    case "backward":
      return <ByHand direction={widget} />;
    case "losses":
      return <LossWidget />;
    case "update":
      return <UpdateWidget />;
    case "export":
      return <ExportWidget />;
    case "batches":
      return <BatchWidget />;
    case "heldOut":
      return <HeldOutWidget />;
    case "gradients":
      return <GradientWidget />;
    case "convolution":
      return <ConvolutionWidget />;
    case "attention":
      return <AttentionWidget />;
    case "mistakes":
      return <MistakesWidget />;
    case "none":
      return null;
  }
}
