// Files arrive by choosing, dropping or pasting, and are shown before they are sent.

export function startDrops(root) {
  const drops = [...root.querySelectorAll("[data-drop]")];
  if (drops.length === 0) return;
  for (const drop of drops) {
    const input = drop.querySelector("input");
    drop.querySelector(".hint").prepend("Choose, drop or paste a picture. ");
    input.addEventListener("change", () => show(drop));
    drop.addEventListener("dragenter", () => drop.classList.add("over"));
    drop.addEventListener("dragover", () => drop.classList.add("over"));
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    show(drop); // a browser that goes back keeps the files
  }
  // A file dropped beside the frames would otherwise replace the page.
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const drop of drops) drop.classList.remove("over");
    const aimed = event.target instanceof Element ? event.target.closest("[data-drop]") : null;
    spread(drops, pictures(event.dataTransfer), aimed);
  });
  window.addEventListener("paste", (event) => {
    const found = pictures(event.clipboardData);
    if (found.length === 0) return;
    event.preventDefault();
    spread(drops, found, document.activeElement?.closest("[data-drop]"));
  });
}

function pictures(transfer) {
  return transfer ? [...transfer.files] : [];
}

// The frame aimed at comes first, then empty ones, then whichever is left.
function spread(drops, files, aimed) {
  const empty = drops.filter((drop) => drop !== aimed && isEmpty(drop));
  const order = aimed ? [aimed, ...empty] : empty.length ? empty : drops;
  let rest = files;
  for (const drop of order) {
    if (rest.length === 0) return;
    const several = drop.querySelector("input").multiple;
    give(drop, several ? rest : rest.slice(0, 1));
    rest = several ? [] : rest.slice(1);
  }
}

function isEmpty(drop) {
  return drop.querySelector("input").files.length === 0;
}

function give(drop, files) {
  const input = drop.querySelector("input");
  const list = new DataTransfer();
  if (input.multiple) for (const file of input.files) list.items.add(file);
  for (const file of files) list.items.add(file);
  input.files = list.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function show(drop) {
  const input = drop.querySelector("input");
  for (const old of drop.querySelectorAll(".shown, .names")) {
    if (old.src) URL.revokeObjectURL(old.src);
    old.remove();
  }
  if (input.files.length === 0) return;
  const names = document.createElement("p");
  names.className = "names";
  names.setAttribute("role", "status");
  names.textContent = [...input.files].map((file) => file.name).join(", ");
  input.after(names);
  if (input.files.length > 1) return;
  const image = document.createElement("img");
  image.className = "shown";
  image.alt = "";
  // Browsers show no TIFF; the name is there, and the answer shows the picture.
  image.addEventListener("error", () => image.remove());
  image.src = URL.createObjectURL(input.files[0]);
  input.after(image);
}
