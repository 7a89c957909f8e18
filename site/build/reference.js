// The reference is light or dark as the rest of the site is.
const chosen = localStorage.getItem("vitepress-theme-appearance");
const theme = chosen === "light" || chosen === "dark" ? chosen : "os";
localStorage.setItem("tsd-theme", theme);
document.documentElement.dataset.theme = theme;
