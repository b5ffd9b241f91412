// A form is sent in the background, with progress, and its answer takes the place of the last one.
//
// What was judged is kept: the report, and whatever else is asked about an answer, is about those
// pictures and not about the ones that may stand in the frames by then.

import { clear, give, pick, settled } from "./drop.js";

const UNREACHABLE =
  "The server cannot be reached, or refused the upload; is it running, and are the files not too large?";

export function startAsking(root, attach) {
  for (const form of root.querySelectorAll("form[data-ask]")) new Asking(form, attach);
}

class Asking {
  constructor(form, attach) {
    this.form = form;
    this.attach = attach;
    this.result = document.querySelector("[data-result]");
    this.trouble = form.querySelector("[data-trouble]");
    this.bar = form.querySelector("[data-bar]");
    this.judged = null;
    form.addEventListener("submit", (event) => {
      if (event.submitter?.matches("[data-plain]")) return; // it leads to a page of its own
      event.preventDefault();
      this.ask(event.submitter);
    });
    for (const kind of ["change", "picked"]) form.addEventListener(kind, () => this.outdate());
  }

  // The answer stays, but says that it is about other pictures or assumptions.
  outdate() {
    const note = this.result.querySelector("[data-stale]");
    if (!this.judged || !note) return;
    this.result.classList.add("old");
    note.hidden = false;
  }

  async ask(button) {
    await settled();
    const about = button?.matches("[data-share], [data-keep]");
    const data = about ? this.judged : new FormData(this.form);
    const address = button?.getAttribute("formaction") ?? this.form.getAttribute("action");
    const report = button?.hasAttribute("formaction");
    if (!about && !this.complete()) return;
    const progress = new Progress(this.form, about ? button : null);
    button?.setAttribute("disabled", "");
    this.result.setAttribute("aria-busy", "true");
    this.say(null, button);
    try {
      if (this.form.dataset.ask === "grow" && !report) {
        await this.grow(data, progress);
      } else {
        const answer = await send(this.form.method, address, data, progress);
        if (isReport(answer)) return await share(answer.response);
        const page = parsed(await answer.response.text());
        if (answer.status >= 400) throw new Error(sentenceOf(page, answer.status));
        if (about) return this.say(page.querySelector("[data-said]")?.textContent ?? "Kept.", button);
        this.show(page);
      }
      this.judged = data;
      progress.end();
      this.settle();
    } catch (error) {
      if (error.name !== "AbortError") this.say(error.message, button, true);
    } finally {
      button?.removeAttribute("disabled");
      this.result.removeAttribute("aria-busy");
      progress.end();
    }
  }

  complete() {
    for (const drop of this.form.querySelectorAll("[data-drop]")) {
      const input = drop.querySelector("input[type=file]");
      if (input.files.length || drop.querySelector("[data-picked]")) continue;
      const box = drop.querySelector("[data-wrong]");
      box.textContent = input.multiple ? "Choose at least one secure work." : "Choose a picture.";
      box.hidden = false;
      input.focus();
      return false;
    }
    return true;
  }

  // A sentence beside what was pressed: what stands there already is never erased by it.
  say(sentence, button, failed = false) {
    const place = button?.closest(".verdict")?.querySelector(".actions") ?? this.trouble;
    for (const old of document.querySelectorAll("[data-note]")) old.remove();
    if (sentence === null) return;
    const note = failed ? problem(sentence) : document.createElement("p");
    if (!failed) note.textContent = sentence;
    note.dataset.note = "";
    note.tabIndex = -1;
    place.append(note);
    note.focus();
  }

  // The verdict after each work comes as a line of its own.
  async grow(data, progress) {
    const stop = new AbortController();
    progress.cancels(() => stop.abort());
    const answer = await fetch(this.form.getAttribute("action"), {
      method: "POST",
      body: data,
      headers: { accept: "application/x-ndjson" },
      signal: stop.signal,
    }).catch((error) => {
      throw error.name === "AbortError" ? error : new Error(UNREACHABLE);
    });
    if (!answer.ok) throw new Error(sentenceOf(parsed(await answer.text()), answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const said = JSON.parse(line);
        if (said.problem) throw new Error(said.problem);
        this.result.classList.remove("old");
        this.result.replaceChildren(...parsed(said.html).body.childNodes);
        progress.counted(said.done, said.of);
      }
    }
  }

  show(page) {
    const fresh = page.querySelector("[data-result]");
    if (!fresh) throw new Error("The server gave no answer.");
    this.result.classList.remove("old");
    this.result.replaceChildren(...fresh.childNodes);
  }

  // The form makes room: what was asked shrinks to a bar, and the answer comes to the top.
  settle() {
    for (const button of this.result.querySelectorAll("[data-share], [data-keep]")) button.hidden = false;
    if (this.bar) this.shrink();
    this.attach(this.result, this.form);
    this.result.focus({ preventScroll: true });
    const top = (this.bar ? this.form : this.result).getBoundingClientRect().top + window.scrollY;
    window.scrollTo({ top: Math.max(0, top - 12), behavior: "auto" });
  }

  shrink() {
    this.bar.replaceChildren();
    for (const drop of this.form.querySelectorAll("[data-drop]")) {
      const item = document.createElement("span");
      item.className = "item";
      const images = [...drop.querySelectorAll("img")].slice(0, 4).map((image) => image.cloneNode());
      for (const image of images) image.removeAttribute("class");
      const name = document.createElement("span");
      const many = drop.querySelectorAll("li").length;
      name.textContent = many ? `${many} secure work${many === 1 ? "" : "s"}` : (drop.querySelector(".names")?.textContent ?? "");
      item.append(...images, name);
      this.bar.append(item);
    }
    const gap = document.createElement("span");
    gap.className = "gap";
    this.bar.append(gap);
    const act = (words, does) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = words;
      made.addEventListener("click", does);
      this.bar.append(made);
    };
    if (document.getElementById("left")) act("Swap", () => this.swap());
    act("Change", () => this.unfold());
    this.form.classList.add("answered");
    this.bar.hidden = false;
  }

  unfold() {
    this.form.classList.remove("answered");
    this.bar.hidden = true;
    this.form.querySelector("input[type=file]").focus();
  }

  swap() {
    const [one, two] = ["left", "right"].map((name) => document.getElementById(name).closest("[data-drop]"));
    const held = [one, two].map(holding);
    hold(one, held[1]);
    hold(two, held[0]);
    this.form.requestSubmit(this.form.querySelector("button.primary"));
  }
}

function holding(drop) {
  const picked = drop.querySelector("[data-picked]");
  return {
    files: [...drop.querySelector("input[type=file]").files],
    picked: picked && {
      slot: picked.querySelector("input").value,
      title: picked.querySelector(".names").textContent,
      picture: picked.querySelector("img").getAttribute("src"),
    },
  };
}

function hold(drop, { files, picked }) {
  clear(drop);
  if (picked) pick(drop, picked.slot, picked.title, picked.picture);
  else give(drop, files);
}

function parsed(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

function sentenceOf(page, status) {
  const plain = page.body?.textContent ?? "";
  const json = plain.startsWith("{") ? JSON.parse(plain).detail : null;
  return page.querySelector(".problem p")?.textContent ?? json ?? `The server answered ${status}.`;
}

function isReport(answer) {
  return answer.getResponseHeader("content-disposition")?.startsWith("attachment") ?? false;
}

// To whom or where, the system asks; where it cannot, the report is downloaded.
async function share(blob) {
  const kind = blob.type === "application/pdf" ? "pdf" : "html";
  const file = new File([blob], `samehand-report.${kind}`, { type: blob.type || "text/html" });
  if (navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file], title: "samehand report" });
      return;
    } catch (error) {
      if (error.name === "AbortError") return;
    }
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// fetch() tells nothing of how far an upload is.
function send(method, address, data, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.responseType = "blob";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress.sent(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => progress.looking());
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new Error(UNREACHABLE)));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    progress.cancels(() => request.abort());
    request.send(data);
  });
}

class Progress {
  constructor(form) {
    this.box = form.querySelector("[data-progress]");
    this.bar = this.box.querySelector("progress");
    this.stage = this.box.querySelector("[data-stage]");
    this.steps = [...this.box.querySelectorAll("[data-steps] li")];
    this.stop = this.box.querySelector("[data-cancel]");
    // What takes less than a moment needs no bar.
    this.timer = setTimeout(() => {
      this.box.hidden = false;
      this.box.scrollIntoView({ block: "nearest" });
    }, 300);
    this.sent(0);
  }

  cancels(act) {
    this.stop.onclick = act;
  }

  sent(share) {
    this.bar.value = share;
    this.at(0, "Handing the pictures over");
  }

  looking() {
    this.bar.removeAttribute("value");
    this.at(1, "Looking at the pictures");
  }

  counted(done, total) {
    this.bar.value = done / total;
    this.at(1, `${done} of ${total} works weighed`);
  }

  at(step, words) {
    this.steps.forEach((item, place) => {
      item.classList.toggle("done", place < step);
      if (place === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    // Only changes are announced.
    if (this.stage.textContent !== words) this.stage.textContent = words;
  }

  end() {
    clearTimeout(this.timer);
    this.box.hidden = true;
    this.stage.textContent = "";
  }
}

export function problem(sentence) {
  const section = document.createElement("section");
  section.className = "problem";
  section.setAttribute("role", "alert");
  const title = document.createElement("h2");
  title.textContent = "No answer";
  const words = document.createElement("p");
  words.textContent = sentence;
  section.append(title, words);
  return section;
}
