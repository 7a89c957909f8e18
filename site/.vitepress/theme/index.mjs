// The theme: VitePress's own in the colours of the Studio, with the pages' components.
import DefaultTheme from "vitepress/theme";
import "./style.css";
import Messages from "./Messages.vue";
import Studio from "./Studio.vue";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("Studio", Studio);
    app.component("Messages", Messages);
  },
};
