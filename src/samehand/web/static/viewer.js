// Two pictures looked at as one: zoom and place are shared, and a slider lays one on the other.

const MOST = 12;

export function startViewers(root) {
  for (const viewer of root.querySelectorAll("[data-viewer]")) new Viewer(viewer);
}

class Viewer {
  constructor(box) {
    this.canvases = [...box.querySelectorAll("[data-canvas]")];
    this.frame = box.querySelector("[data-canvases]");
    this.sizes = this.canvases.map((canvas) => canvas.viewBox.baseVal).map((v) => [v.width, v.height]);
    this.reset();
    this.tools(box.querySelector("[data-tools]"));
    this.canvases.forEach((canvas, index) => this.listen(canvas, index));
  }

  // Places are shares of a picture's sides, so that pictures of any shape move together.
  reset() {
    this.zoom = 1;
    this.x = this.y = 0.5;
    this.draw();
  }

  draw() {
    const half = 0.5 / this.zoom;
    this.x = Math.min(1 - half, Math.max(half, this.x));
    this.y = Math.min(1 - half, Math.max(half, this.y));
    this.canvases.forEach((canvas, index) => {
      const [width, height] = this.sizes[index];
      const box = [(this.x - half) * width, (this.y - half) * height, width / this.zoom, height / this.zoom];
      canvas.setAttribute("viewBox", box.map((value) => value.toFixed(2)).join(" "));
    });
  }

  zoomBy(factor) {
    this.zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
    this.draw();
    if (this.level) this.level.textContent = `${Math.round(100 * this.zoom)}%`;
  }

  move(x, y) {
    this.x += x / this.zoom;
    this.y += y / this.zoom;
    this.draw();
  }

  tools(bar) {
    const button = (words, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = words;
      made.addEventListener("click", () => act(made));
      bar.append(made);
      return made;
    };
    button("Closer", () => this.zoomBy(1.5));
    button("Further", () => this.zoomBy(1 / 1.5));
    button("Whole", () => {
      this.reset();
      this.zoomBy(1);
    });
    this.level = document.createElement("span");
    this.level.className = "hint";
    this.level.setAttribute("role", "status");
    this.level.textContent = "100%";
    bar.append(this.level);
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = "100";
    slider.value = "50";
    slider.hidden = true;
    slider.setAttribute("aria-label", "How much of the second picture covers the first");
    slider.addEventListener("input", () => this.split(slider.value));
    if (this.canvases.length === 2) {
      button("One over the other", (made) => {
        const over = this.frame.classList.toggle("overlaid");
        made.setAttribute("aria-pressed", String(over));
        slider.hidden = !over;
        this.split(slider.value);
      }).setAttribute("aria-pressed", "false");
      bar.append(slider);
    }
    bar.hidden = false;
  }

  split(value) {
    this.frame.style.setProperty("--split", `${100 - value}%`);
  }

  listen(canvas) {
    canvas.setAttribute("tabindex", "0");
    canvas.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight ArrowUp ArrowDown + - 0");
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("dblclick", () => this.zoomBy(2));
    canvas.addEventListener(
      "wheel",
      (event) => {
        // A plain wheel scrolls the page, as everywhere.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY / 300));
      },
      { passive: false },
    );
    this.drag(canvas);
  }

  key(event) {
    const step = 0.1;
    const acts = {
      ArrowLeft: () => this.move(-step, 0),
      ArrowRight: () => this.move(step, 0),
      ArrowUp: () => this.move(0, -step),
      ArrowDown: () => this.move(0, step),
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.zoomBy(1 / MOST),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    // At the whole picture the arrows still scroll the page.
    if (event.key.startsWith("Arrow") && this.zoom === 1) return;
    event.preventDefault();
    acts[event.key]();
  }

  drag(canvas) {
    const held = new Map();
    const release = (event) => {
      held.delete(event.pointerId);
      canvas.classList.toggle("held", held.size > 0);
    };
    canvas.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, event);
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("held");
    });
    canvas.addEventListener("pointermove", (event) => {
      const last = held.get(event.pointerId);
      if (!last) return;
      if (held.size === 1) {
        const box = canvas.getBoundingClientRect();
        this.move((last.clientX - event.clientX) / box.width, (last.clientY - event.clientY) / box.height);
      } else {
        const other = [...held.values()].find((point) => point.pointerId !== event.pointerId);
        this.zoomBy(apart(event, other) / Math.max(1, apart(last, other)));
      }
      held.set(event.pointerId, event);
    });
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }
}

function apart(one, two) {
  return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
}
