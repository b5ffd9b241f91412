// A form is sent in the background, with progress, and its answer takes the place of the last one.

export function startAsking(root, attach) {
  for (const form of root.querySelectorAll("form[data-ask]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, event.submitter, attach);
    });
  }
}

async function ask(form, button, attach) {
  const progress = new Progress(form);
  const result = document.querySelector("[data-result]");
  button?.setAttribute("disabled", "");
  result.setAttribute("aria-busy", "true");
  try {
    const page = await send(form, progress);
    const fresh = new DOMParser().parseFromString(page, "text/html").querySelector("[data-result]");
    result.replaceChildren(...(fresh?.childNodes ?? [problem("The server gave no answer.")]));
    attach(result);
  } catch (error) {
    result.replaceChildren(problem(error.message));
  } finally {
    button?.removeAttribute("disabled");
    result.removeAttribute("aria-busy");
    progress.end();
  }
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start", behavior: motion() });
}

// fetch() tells nothing of how far an upload is.
function send(form, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(form.method, form.getAttribute("action"));
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress.sent(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => progress.looking());
    request.addEventListener("load", () => resolve(request.responseText));
    request.addEventListener("error", () =>
      reject(new Error("The server cannot be reached, or refused the upload; is it running, and are the files not too large?")),
    );
    request.send(new FormData(form));
  });
}

class Progress {
  constructor(form) {
    this.box = form.querySelector("[data-progress]");
    this.bar = this.box.querySelector("progress");
    this.stage = this.box.querySelector("[data-stage]");
    // What takes less than a moment needs no bar.
    this.timer = setTimeout(() => (this.box.hidden = false), 300);
    this.sent(0);
  }

  sent(share) {
    this.bar.value = share;
    this.say("Handing the pictures over");
  }

  looking() {
    this.bar.removeAttribute("value");
    this.say("Looking at the pictures");
  }

  // Only changes are announced.
  say(words) {
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

export function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
