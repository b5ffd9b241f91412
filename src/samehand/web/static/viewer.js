// Pictures looked at closely: at full resolution where the browser has it, two of them as one.
//
// OpenSeadragon draws them; the numbered windows and maps lie over each as the page's own SVG, whose
// labels keep their size at every zoom.

let library = null;

function load() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/openseadragon/openseadragon.min.js", import.meta.url);
    script.addEventListener("load", () => resolve(window.OpenSeadragon));
    script.addEventListener("error", () => reject(new Error("the viewer did not load")));
    document.head.append(script);
  });
  return library;
}

export async function startViewers(root, form) {
  for (const box of root.querySelectorAll("[data-viewer]")) {
    const stages = [...box.querySelectorAll("[data-stage-of]")];
    if (stages.length === 0) continue;
    const files = stages.map((stage) => fileOf(stage, form));
    const seadragon = await load();
    const views = await Promise.all(stages.map((stage, place) => open(seadragon, stage, files[place])));
    new Together(seadragon, box, views);
  }
}

// What was sent is what the browser still has, in all its pixels.
function fileOf(stage, form) {
  const input = form?.querySelector(`#${stage.dataset.stageOf}`);
  return input?.files?.[0] ?? null;
}

async function open(seadragon, stage, file) {
  const svg = stage.querySelector("svg");
  const picture = svg.querySelector("image");
  const preview = picture.getAttribute("href");
  const frame = svg.viewBox.baseVal;
  const size = [frame.width, frame.height];
  const own = file ? URL.createObjectURL(file) : (stage.dataset.full ?? preview);
  const place = document.createElement("div");
  place.className = "osd";
  const view = seadragon({
    element: place,
    tileSources: { type: "image", url: own, buildPyramid: false },
    drawer: "canvas",
    showNavigationControl: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    visibilityRatio: 0.6,
    minZoomImageRatio: 0.8,
    maxZoomPixelRatio: 8,
    animationTime: 0.25,
    immediateRender: true,
  });
  const opened = await new Promise((resolve) => {
    view.addOnceHandler("open", () => resolve(true));
    view.addOnceHandler("open-failed", () => resolve(false));
  });
  if (!opened && own !== preview) {
    // Browsers show no TIFF; the answer's own preview is what there is.
    await new Promise((resolve) => {
      view.addOnceHandler("open", resolve);
      view.open({ type: "image", url: preview, buildPyramid: false });
    });
  }
  stage.prepend(place);
  view.forceResize?.();
  view.viewport.goHome(true);
  picture.remove();
  svg.setAttribute("preserveAspectRatio", "none");
  const ratio = view.world.getItemAt(0).getContentSize();
  const height = ratio.y / ratio.x;
  view.addOverlay({ element: svg, location: new seadragon.Rect(0, 0, 1, height), checkResize: false });
  const rescale = () => {
    const wide = view.viewport.getZoom(true) * view.viewport.getContainerSize().x;
    svg.style.setProperty("--unit", (size[0] / wide).toFixed(4));
  };
  view.addHandler("update-viewport", rescale);
  rescale();
  view.canvas.setAttribute("role", "group");
  view.canvas.setAttribute("aria-label", `${svg.getAttribute("aria-label")}: arrows move, plus and minus zoom, 0 shows the whole`);
  svg.removeAttribute("aria-label");
  svg.removeAttribute("role");
  view.addHandler("canvas-key", (event) => {
    // Turned or mirrored, the windows would lie elsewhere.
    if ("rRfF".includes(event.originalEvent.key)) event.preventDefaultAction = true;
  });
  view.addHandler("canvas-scroll", (event) => {
    // A plain wheel scrolls the page, as everywhere, until the picture has been clicked.
    const wanted =
      event.originalEvent.ctrlKey || event.originalEvent.metaKey || document.fullscreenElement || place.contains(document.activeElement);
    if (wanted) return;
    event.preventDefaultAction = true;
    event.preventDefault = false;
  });
  return { view, height, stage };
}

class Together {
  constructor(seadragon, box, views) {
    this.Point = seadragon.Point;
    this.views = views;
    this.tied = true;
    this.busy = false;
    this.frame = box.querySelector("[data-canvases]");
    for (const one of views)
      for (const kind of ["zoom", "pan"]) one.view.addHandler(kind, () => this.follow(one));
    this.tools(box.querySelector("[data-tools]"));
    const opacity = box.querySelector("[data-opacity]");
    if (opacity) {
      opacity.hidden = false;
      opacity.querySelector("input").addEventListener("input", (event) => {
        this.frame.style.setProperty("--strength", event.target.value / 100);
      });
    }
    this.frame.dataset.ready = "";
  }

  // Places are shares of a picture's sides, so that pictures of any shape move together.
  follow(from) {
    this.read();
    if (!this.tied || this.busy) return;
    this.busy = true;
    const zoom = from.view.viewport.getZoom() / from.view.viewport.getHomeZoom();
    const centre = from.view.viewport.getCenter();
    for (const to of this.views) {
      if (to === from) continue;
      to.view.viewport.zoomTo(zoom * to.view.viewport.getHomeZoom());
      to.view.viewport.panTo(new this.Point(centre.x, (centre.y / from.height) * to.height));
    }
    this.busy = false;
  }

  read() {
    const { viewport } = this.views[0].view;
    const shown = Math.round(100 * viewport.viewportToImageZoom(viewport.getZoom()));
    if (this.level) this.level.textContent = `${shown}% of full size`;
  }

  each(act) {
    // Each is told for itself; following would add the two.
    this.busy = true;
    for (const { view } of this.views) act(view.viewport);
    this.busy = false;
    this.read();
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
    button("Closer", () => this.each((viewport) => viewport.zoomBy(1.5)));
    button("Further", () => this.each((viewport) => viewport.zoomBy(1 / 1.5)));
    button("Whole", () => this.each((viewport) => viewport.goHome()));
    button("1:1", () => this.each((viewport) => viewport.zoomTo(viewport.imageToViewportZoom(1))));
    if (this.frame.requestFullscreen)
      button("Full screen", () => {
        if (document.fullscreenElement) document.exitFullscreen();
        else this.frame.requestFullscreen();
      });
    if (this.views.length === 2) this.pairTools(button, bar);
    this.level = document.createElement("span");
    this.level.className = "hint";
    bar.append(this.level);
    bar.hidden = false;
    this.read();
  }

  pairTools(button, bar) {
    const tie = button("Move together", (made) => {
      this.tied = !this.tied;
      made.setAttribute("aria-pressed", String(this.tied));
      if (this.tied) this.follow(this.views[0]);
    });
    tie.setAttribute("aria-pressed", "true");
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = "100";
    slider.value = "50";
    slider.hidden = true;
    slider.setAttribute("aria-label", "How much of the second picture covers the first");
    slider.addEventListener("input", () => this.split(slider.value));
    button("Curtain", (made) => {
      const over = this.frame.classList.toggle("overlaid");
      made.setAttribute("aria-pressed", String(over));
      slider.hidden = !over;
      this.split(slider.value);
      if (over && !this.tied) tie.click();
    }).setAttribute("aria-pressed", "false");
    bar.append(slider);
  }

  split(value) {
    this.frame.style.setProperty("--split", `${100 - value}%`);
  }
}
