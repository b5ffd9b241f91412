// A table that is wider than the page scrolls; the keyboard has to reach it.
const reach = () => {
  // Each region has a name of its own, so that a screen reader can tell them apart.
  document.querySelectorAll(".md-typeset__scrollwrap").forEach((box, number) => {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `Table ${number + 1}`);
  });
  document.querySelectorAll(".md-code__nav").forEach((bar, number) => {
    bar.setAttribute("aria-label", `Code ${number + 1}`);
  });
};
document.addEventListener("DOMContentLoaded", reach);
// The theme wraps tables after the page has loaded.
new MutationObserver(reach).observe(document.documentElement, { childList: true, subtree: true });
