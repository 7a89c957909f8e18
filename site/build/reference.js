// The reference follows the light or dark theme of the site.
const chosen = localStorage.getItem("vitepress-theme-appearance");
const theme = chosen === "light" || chosen === "dark" ? chosen : "os";
localStorage.setItem("tsd-theme", theme);
document.documentElement.dataset.theme = theme;
