// Names and stops for readers who use the keyboard or a screen reader; the theme's scripts leave them out.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((one, index) => one.setAttribute("aria-label", `Code ${index + 1}`));
  const scrolls = (one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight;
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (scrolls(target)) target.tabIndex = 0; else target.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(".jupyter-wrapper pre, .jupyter-wrapper .highlight-ipynb, .jupyter-wrapper table")
    .forEach((one) => watcher.observe(one));
});
