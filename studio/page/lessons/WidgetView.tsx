// Chooses the widget that a lesson adds to the live page.
import type { Widget } from "../../shared/lessons.ts";
import { ActivationWidget } from "./ActivationWidget.tsx";
import { ByHand } from "./ByHand.tsx";
import { ExportWidget } from "./ExportWidget.tsx";
import { LossWidget } from "./LossWidget.tsx";
import { PerceptronWidget } from "./PerceptronWidget.tsx";
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
    case "none":
      return null;
  }
}
