// Works of the gallery are picked into frames without leaving the page.

import { pick } from "./drop.js";

export function startPicking(root) {
  for (const link of root.querySelectorAll("a[data-pick]"))
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link);
    });
}

function open(link) {
  const drop = link.closest("[data-drop]");
  const dialog = document.createElement("dialog");
  dialog.className = "picker";
  const form = document.createElement("form");
  form.className = "find";
  const label = document.createElement("label");
  label.textContent = "Find a work by artist, title or number";
  const words = document.createElement("input");
  words.type = "search";
  words.name = "q";
  label.append(words);
  const find = document.createElement("button");
  find.textContent = "Find";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  form.append(label, find, close);
  const found = document.createElement("ul");
  found.className = "grid";
  dialog.append(form, found);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  const look = async () => {
    const address = new URL(link.href);
    address.searchParams.set("q", words.value);
    const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
    found.replaceChildren(...[...page.querySelectorAll("[data-slot]")].map((item) => card(item, drop, dialog)));
    if (!found.children.length) found.append("No work is found.");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  dialog.showModal();
  look();
}

function card(item, drop, dialog) {
  const made = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const image = document.createElement("img");
  image.src = item.querySelector("img").getAttribute("src");
  image.alt = "";
  const title = item.querySelector("span").textContent;
  const artist = item.querySelector("small").textContent;
  const words = document.createElement("span");
  words.textContent = `${title}, ${artist}`;
  button.append(image, words);
  button.addEventListener("click", () => {
    if (!drop) return window.location.assign(item.querySelector("a").getAttribute("href")); // the table
    pick(drop, item.dataset.slot, `${title}, ${artist}`, image.src);
    dialog.close();
  });
  made.append(button);
  return made;
}
