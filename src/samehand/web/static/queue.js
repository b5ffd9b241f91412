// Twenty cases in a row by keyboard: 1, 2 and 3 decide, and the name stays what it was.

export function startQueue(root) {
  const form = root.querySelector("[data-judge]");
  if (!form) return;
  const name = form.querySelector("[data-remember]");
  // Whoever is signed in is not asked for a name.
  if (name) {
    name.value = sessionStorage.getItem("samehand-name") ?? "";
    form.addEventListener("submit", () => sessionStorage.setItem("samehand-name", name.value));
  }
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const button = form.querySelectorAll("button[name=label]")["123".indexOf(event.key)];
    if (!button) return;
    event.preventDefault();
    form.requestSubmit(button);
  });
}
