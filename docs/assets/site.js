// A table that is wider than the page scrolls; the keyboard has to reach it.
const reach = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Table");
  }
};
document.addEventListener("DOMContentLoaded", reach);
// The theme wraps tables after the page has loaded.
new MutationObserver(reach).observe(document.documentElement, { childList: true, subtree: true });
