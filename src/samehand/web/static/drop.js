// Files arrive by choosing, dropping, pasting or from the gallery, and are checked and shown at once.

const ENDINGS = /\.(jpe?g|png|webp|tiff?|gif|bmp|jp2|j2k|avif|heic|heif|jxl)$/i;
const SCALED_SIDE = 4096; // twice what the model looks at

export function startDrops(root) {
  const drops = [...root.querySelectorAll("[data-drop]")];
  if (drops.length === 0) return;
  for (const drop of drops) {
    const input = drop.querySelector("input[type=file]");
    drop.querySelector("[data-invite]").textContent = input.multiple
      ? "Choose, drop or paste pictures. "
      : "Choose, drop or paste a picture. ";
    input.addEventListener("change", () => changed(drop));
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.classList.add("over"));
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    for (const picked of drop.querySelectorAll("[data-picked]")) clearable(drop, picked);
    if (input.files.length) changed(drop); // a browser that goes back keeps the files
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
  for (const box of root.querySelectorAll("[data-examples]")) offerExamples(box);
}

// What is being checked or scaled; a form is sent when this has settled.
let pending = Promise.resolve();
export function settled() {
  return pending;
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
    const several = drop.querySelector("input[type=file]").multiple;
    give(drop, several ? rest : rest.slice(0, 1));
    rest = several ? [] : rest.slice(1);
  }
}

export function isEmpty(drop) {
  return drop.querySelector("input[type=file]").files.length === 0 && !drop.querySelector("[data-picked]");
}

export function give(drop, files) {
  const input = drop.querySelector("input[type=file]");
  setFiles(input, input.multiple ? [...input.files, ...files] : files.slice(0, 1));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function setFiles(input, files) {
  const list = new DataTransfer();
  for (const file of files) list.items.add(file);
  input.files = list.files;
}

// A work of the gallery takes the place of a file, or joins the secure works.
export function pick(drop, slot, title, picture) {
  const input = drop.querySelector("input[type=file]");
  const image = document.createElement("img");
  image.src = picture;
  const hidden = document.createElement("input");
  hidden.type = "hidden";
  hidden.value = slot;
  hidden.name = `${drop.dataset.name}_work`;
  if (input.multiple) {
    if (drop.querySelector(`[data-picked] input[value="${slot}"]`)) return wrong(drop, `${title} is there already.`);
    const item = document.createElement("li");
    item.dataset.picked = "";
    image.alt = title;
    item.append(hidden, image);
    drop.querySelector("[data-strip]").append(item);
    clearable(drop, item);
  } else {
    clear(drop);
    const box = document.createElement("div");
    box.dataset.picked = "";
    image.className = "shown";
    image.alt = "";
    box.append(hidden, image, named(title));
    input.after(box);
    clearable(drop, box);
  }
  input.dispatchEvent(new CustomEvent("picked", { bubbles: true }));
}

function named(text) {
  const names = document.createElement("p");
  names.className = "names";
  names.setAttribute("role", "status");
  names.textContent = text;
  return names;
}

function clearable(drop, item) {
  item.append(
    button(item.tagName === "LI" ? "✕" : "Clear", `Remove ${item.textContent.trim() || item.querySelector("img")?.alt}`, () => {
      item.remove();
      drop.querySelector("input[type=file]").dispatchEvent(new CustomEvent("picked", { bubbles: true }));
    }),
  );
}

function button(words, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "clear";
  made.textContent = words;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

export function clear(drop) {
  const input = drop.querySelector("input[type=file]");
  setFiles(input, []);
  for (const old of drop.querySelectorAll("[data-picked]")) old.remove();
  show(drop);
}

function wrong(drop, sentence) {
  const box = drop.querySelector("[data-wrong]");
  box.textContent = sentence;
  box.hidden = !sentence;
}

function changed(drop) {
  const input = drop.querySelector("input[type=file]");
  if (!input.multiple && input.files.length) for (const old of drop.querySelectorAll("[data-picked]")) old.remove();
  const before = pending;
  pending = (async () => {
    await before;
    await check(drop, input);
    show(drop);
  })();
}

// What cannot be sent is said now, not after a minute of waiting.
async function check(drop, input) {
  const limits = input.form.dataset;
  const kept = [];
  const said = [];
  const seen = new Set();
  for (let file of input.files) {
    if (!file.type.startsWith("image/") && !ENDINGS.test(file.name)) {
      said.push(`${file.name} is not a picture.`);
      continue;
    }
    const key = await content(file);
    if (seen.has(key)) {
      said.push(`${file.name} is there already.`);
      continue;
    }
    seen.add(key);
    if (await tooLarge(file, limits)) {
      const small = await scaled(file);
      if (small === null) {
        const most = Math.floor(limits.mostBytes / 2 ** 20);
        said.push(
          `${file.name} is too large (at most ${most} MiB, ${Math.floor(limits.mostPixels / 1e6)} megapixels), and this browser cannot make it smaller; save a smaller copy.`,
        );
        continue;
      }
      said.push(`${file.name} was made smaller to be sent.`);
      file = small;
    }
    kept.push(file);
  }
  const most = Number(limits.mostFiles ?? 1000);
  if (kept.length > most) said.push(`Only the first ${most} of ${kept.length} pictures are kept.`);
  if (kept.length !== input.files.length || kept.some((file, place) => file !== input.files[place]))
    setFiles(input, kept.slice(0, most));
  wrong(drop, said.join(" "));
}

async function content(file) {
  if (!crypto.subtle || file.size > 2 ** 26) return `${file.name}/${file.size}/${file.lastModified}`;
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return new Uint8Array(hash).join();
}

async function tooLarge(file, limits) {
  if (file.size > 0.45 * limits.mostBytes) return true;
  const size = await sides(file);
  return size !== null && size[0] * size[1] > limits.mostPixels;
}

function sides(file) {
  return new Promise((resolve) => {
    const image = new Image();
    const done = (size) => {
      URL.revokeObjectURL(image.src);
      resolve(size);
    };
    image.addEventListener("load", () => done([image.naturalWidth, image.naturalHeight]));
    image.addEventListener("error", () => done(null));
    image.src = URL.createObjectURL(file);
  });
}

async function scaled(file) {
  const size = await sides(file);
  if (size === null) return null;
  try {
    const factor = Math.min(1, SCALED_SIDE / Math.max(...size));
    const [width, height] = size.map((side) => Math.max(1, Math.round(side * factor)));
    const bitmap = await createImageBitmap(file, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(bitmap, 0, 0);
    bitmap.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    return blob && new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
  } catch {
    return null;
  }
}

function show(drop) {
  const input = drop.querySelector("input[type=file]");
  for (const old of drop.querySelectorAll("[data-file]")) {
    for (const image of old.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    old.remove();
  }
  const files = [...input.files];
  files.forEach((file, place) => {
    const box = document.createElement(input.multiple ? "li" : "div");
    box.dataset.file = "";
    const image = document.createElement("img");
    image.alt = input.multiple ? file.name : "";
    // Browsers show no TIFF; the name is there, and the answer shows the picture.
    image.addEventListener("error", () => {
      if (/^image\/(jpeg|png|webp|gif)$/.test(file.type))
        wrong(drop, `${file.name} cannot be shown; it may be damaged, or not a picture.`);
      image.remove();
    });
    image.src = URL.createObjectURL(file);
    const remove = () => {
      setFiles(input, files.filter((_, other) => other !== place));
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    };
    if (input.multiple) {
      const name = document.createElement("small");
      name.textContent = file.name;
      box.append(image, name, button("✕", `Remove ${file.name}`, remove));
      drop.querySelector("[data-strip]").append(box);
    } else {
      image.className = "shown";
      box.append(image, named(file.name), button("Clear", `Remove ${file.name}`, remove));
      input.after(box);
    }
  });
}

function offerExamples(box) {
  const frames = ["left", "right"].map((name) => document.getElementById(name)?.closest("[data-drop]"));
  for (const made of box.querySelectorAll("button"))
    made.addEventListener("click", async () => {
      for (const [place, name] of [made.dataset.left, made.dataset.right].entries()) {
        const answer = await fetch(new URL(`examples/${name}`, import.meta.url));
        give(frames[place], [new File([await answer.blob()], name, { type: "image/jpeg" })]);
      }
      await settled();
      made.form.requestSubmit(made.form.querySelector("button.primary"));
    });
  box.hidden = false;
}
