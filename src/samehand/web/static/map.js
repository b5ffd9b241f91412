// The map: dots of one size at every zoom, pictures in their place once there is room.

const HUES = 7;
const DOT = 3.5;
const PICTURE = 64;
const MOST_PICTURES = 60;

export async function startMap(root) {
  const box = root.querySelector("[data-map]");
  if (!box) return;
  box.hidden = false;
  const points = await (await fetch(box.dataset.map)).json();
  const field = new Field(box, points, root);
  const words = root.querySelector("[data-layout]");
  if (words.dataset.layout === "making") follow(box, words, field);
}

// Until the neighbourhoods are laid out, ask now and then; the works then move to their places.
async function follow(box, words, field) {
  let state;
  do {
    await new Promise((go) => setTimeout(go, 3000));
    const answer = await fetch(box.dataset.state).catch(() => null);
    if (!answer?.ok) return;
    state = await answer.json();
  } while (state.layout === "making");
  field.points = await (await fetch(box.dataset.map)).json();
  field.draw();
  words.textContent = state.words;
  words.dataset.layout = state.layout;
}

class Field {
  constructor(box, points, root) {
    this.box = box;
    this.points = points;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Map of the works. Arrows move, plus and minus zoom, 0 shows the whole; a table follows.");
    this.card = document.createElement("a");
    this.card.className = "card";
    this.card.hidden = true;
    box.append(this.canvas, this.card);
    this.pen = this.canvas.getContext("2d");
    this.pictures = new Map();
    this.stamps = new Map();
    this.chosen = new Set();
    this.colours = this.read();
    this.reset();
    new ResizeObserver(() => this.resize()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colours = this.read();
      this.draw();
    });
    this.listen();
    this.keys(root.querySelector("[data-keys]"));
    this.find(root.querySelector("[data-map-find]"));
    box.dataset.ready = "";
  }

  read() {
    const style = getComputedStyle(this.box);
    const of = (name) => style.getPropertyValue(name).trim();
    return { rest: of("--quiet"), ink: of("--ink"), hues: Array.from({ length: HUES }, (_, i) => of(`--hue${i + 1}`)) };
  }

  reset() {
    this.zoom = 1;
    this.x = this.y = 0.5;
    this.draw();
  }

  resize() {
    const { width, height } = this.box.getBoundingClientRect();
    this.scale = window.devicePixelRatio || 1;
    this.stamps.clear();
    this.canvas.width = width * this.scale;
    this.canvas.height = height * this.scale;
    this.pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    this.size = [width, height];
    this.draw();
  }

  // The side of the whole map: a picture at its edge is whole as well.
  side() {
    return Math.min(...this.size) - PICTURE;
  }

  place(index) {
    const [width, height] = this.size;
    const side = this.side() * this.zoom;
    return [width / 2 + (this.points.x[index] - this.x) * side, height / 2 - (this.points.y[index] - this.y) * side];
  }

  draw() {
    if (this.waiting || !this.size) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.paint();
    });
  }

  paint() {
    const [width, height] = this.size;
    const { pen } = this;
    const seen = [];
    const groups = new Map();
    for (let index = 0; index < this.points.slots.length; index += 1) {
      const [x, y] = this.place(index);
      if (x < -PICTURE || y < -PICTURE || x > width + PICTURE || y > height + PICTURE) continue;
      seen.push(index);
      const artist = this.points.artists[index];
      const lit = this.chosen.size ? this.chosen.has(artist) : artist >= 0 && artist < HUES;
      const colour = lit ? (this.colours.hues[artist] ?? this.colours.ink) : this.colours.rest;
      const key = `${colour}/${lit ? 1 : this.chosen.size ? 0.2 : 0.55}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push([x, y]);
    }
    // Into pixels by hand: circles or pictures of them, twenty thousand of them, take a tenth of a second.
    const edge = Math.ceil(PICTURE * this.scale);
    const across = this.canvas.width + 2 * edge;
    const image = pen.createImageData(across, this.canvas.height + 2 * edge);
    const pixels = new Uint32Array(image.data.buffer);
    for (const [key, dots] of groups) {
      const { half, offsets, values } = this.stamp(key, across);
      for (const [x, y] of dots) {
        const corner = edge - half + Math.round(x * this.scale) + across * (edge - half + Math.round(y * this.scale));
        for (let dot = 0; dot < offsets.length; dot += 1) {
          // The alpha of a pixel is its highest byte: what covers more of it wins.
          if (values[dot] >= pixels[corner + offsets[dot]]) pixels[corner + offsets[dot]] = values[dot];
        }
      }
    }
    pen.putImageData(image, -edge, -edge);
    this.seen = seen;
    if (seen.length <= MOST_PICTURES) for (const index of seen) this.picture(index);
  }

  // The pixels of one dot of a colour: how far from its corner in a picture so wide, and what they hold.
  stamp(key, across) {
    if (this.stamps.has(key)) return this.stamps.get(key);
    const [colour, alpha] = key.split("/");
    const half = Math.ceil((DOT + 1) * this.scale);
    const side = 2 * half + 1;
    const pen = new OffscreenCanvas(side, side).getContext("2d");
    pen.globalAlpha = Number(alpha);
    pen.fillStyle = colour;
    pen.arc(half + 0.5, half + 0.5, DOT * this.scale, 0, 2 * Math.PI);
    pen.fill();
    const all = new Uint32Array(pen.getImageData(0, 0, side, side).data.buffer);
    const inked = Array.from(all.keys()).filter((at) => all[at]);
    const offsets = Int32Array.from(inked, (at) => across * Math.floor(at / side) + (at % side));
    const stamp = { half, offsets, values: Uint32Array.from(inked, (at) => all[at]) };
    this.stamps.set(key, stamp);
    return stamp;
  }

  picture(index) {
    const slot = this.points.slots[index];
    let image = this.pictures.get(slot);
    if (!image) {
      image = new Image();
      image.addEventListener("load", () => this.draw());
      image.src = this.box.dataset.picture + slot;
      this.pictures.set(slot, image);
    }
    if (!image.complete || !image.naturalWidth) return;
    const [x, y] = this.place(index);
    const factor = PICTURE / Math.max(image.naturalWidth, image.naturalHeight);
    const [width, height] = [image.naturalWidth * factor, image.naturalHeight * factor];
    this.pen.drawImage(image, x - width / 2, y - height / 2, width, height);
  }

  near(event) {
    const box = this.canvas.getBoundingClientRect();
    const [mouseX, mouseY] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let least = (this.seen?.length <= MOST_PICTURES ? PICTURE / 2 : 12) ** 2;
    for (const index of this.seen ?? []) {
      const [x, y] = this.place(index);
      const far = (x - mouseX) ** 2 + (y - mouseY) ** 2;
      if (far < least) [best, least] = [index, far];
    }
    return best;
  }

  hover(event) {
    const index = this.near(event);
    this.canvas.style.cursor = index === null ? "grab" : "pointer";
    if (index === null) {
      this.card.hidden = true;
      return;
    }
    const slot = this.points.slots[index];
    if (this.card.dataset.slot !== String(slot)) {
      this.card.dataset.slot = slot;
      this.card.href = this.box.dataset.work + slot;
      const image = document.createElement("img");
      image.src = this.box.dataset.picture + slot;
      image.alt = "";
      const title = document.createElement("span");
      title.textContent = this.points.titles[index];
      const artist = document.createElement("small");
      artist.textContent = this.points.names[this.points.artists[index]] ?? "unattributed";
      this.card.replaceChildren(image, title, artist);
    }
    const [x, y] = this.place(index);
    this.card.style.left = `${Math.min(x + 14, this.size[0] - 190)}px`;
    this.card.style.top = `${Math.max(4, Math.min(y + 14, this.size[1] - 200))}px`;
    this.card.hidden = false;
  }

  zoomBy(factor, event) {
    const before = this.zoom;
    this.zoom = Math.min(200, Math.max(1, this.zoom * factor));
    if (event) {
      // What is under the cursor stays there.
      const box = this.canvas.getBoundingClientRect();
      const side = this.side();
      const [dx, dy] = [event.clientX - box.left - this.size[0] / 2, event.clientY - box.top - this.size[1] / 2];
      this.x += (dx / side) * (1 / before - 1 / this.zoom);
      this.y -= (dy / side) * (1 / before - 1 / this.zoom);
    }
    if (this.zoom === 1) this.x = this.y = 0.5;
    this.draw();
  }

  move(x, y) {
    this.x = Math.min(1, Math.max(0, this.x + x / this.zoom));
    this.y = Math.min(1, Math.max(0, this.y + y / this.zoom));
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => {
      if (this.held) {
        const side = this.side();
        this.move((this.held.clientX - event.clientX) / side, (event.clientY - this.held.clientY) / side);
        this.dragged ||= Math.hypot(event.clientX - this.from.clientX, event.clientY - this.from.clientY) > 4;
        this.held = event;
      } else {
        this.hover(event);
      }
    });
    canvas.addEventListener("pointerdown", (event) => {
      this.held = this.from = event;
      this.dragged = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      const clicked = this.held && !this.dragged;
      this.held = null;
      if (!clicked) return;
      const index = this.near(event);
      if (index === null) return;
      if (event.pointerType === "mouse") window.location.assign(this.box.dataset.work + this.points.slots[index]);
      else this.hover(event); // on a phone the first touch shows the card, which is a link
    });
    canvas.addEventListener("dblclick", (event) => this.zoomBy(2, event));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY / 300), event);
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const acts = {
        ArrowLeft: () => this.move(-0.1, 0),
        ArrowRight: () => this.move(0.1, 0),
        ArrowUp: () => this.move(0, 0.1),
        ArrowDown: () => this.move(0, -0.1),
        "+": () => this.zoomBy(1.5),
        "=": () => this.zoomBy(1.5),
        "-": () => this.zoomBy(1 / 1.5),
        0: () => this.reset(),
      };
      if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      acts[event.key]();
    });
  }

  keys(list) {
    this.points.names.slice(0, HUES).forEach((name, number) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = `hue${number + 1}`;
      button.textContent = name;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        const on = !this.chosen.delete(number) && this.chosen.add(number);
        button.setAttribute("aria-pressed", String(Boolean(on)));
        this.draw();
      });
      item.append(button);
      list.append(item);
    });
    list.hidden = false;
  }

  find(form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("[data-whole]").addEventListener("click", () => {
      this.chosen.clear();
      form.querySelector("input").value = "";
      this.reset();
    });
    form.querySelector("input").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      this.chosen.clear();
      if (wanted)
        this.points.names.forEach((name, number) => {
          if (name.toLowerCase().includes(wanted)) this.chosen.add(number);
        });
      this.draw();
    });
  }
}
