// Accessible names and tab stops, which the theme's scripts do not provide.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((nav, index) => nav.setAttribute("aria-label", `Code ${index + 1}`));
  const scrolls = (box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (scrolls(target)) target.tabIndex = 0; else target.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(".jupyter-wrapper pre, .jupyter-wrapper .highlight-ipynb, .jupyter-wrapper table")
    .forEach((box) => watcher.observe(box));
});
