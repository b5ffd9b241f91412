// A form is sent in the background, with progress, and its answer takes the place of the last one.

const UNREACHABLE =
  "The server cannot be reached, or refused the upload; is it running, and are the files not too large?";

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
  const address = button?.getAttribute("formaction") ?? form.getAttribute("action");
  button?.setAttribute("disabled", "");
  result.setAttribute("aria-busy", "true");
  try {
    if (form.dataset.ask === "grow" && !button?.hasAttribute("formaction")) {
      await grow(form, progress, result);
      return;
    }
    const answer = await send(form, address, progress);
    if (isReport(answer)) {
      await share(answer.response);
    } else {
      show(result, await answer.response.text(), attach);
    }
  } catch (error) {
    result.replaceChildren(problem(error.message));
    result.focus();
  } finally {
    button?.removeAttribute("disabled");
    result.removeAttribute("aria-busy");
    progress.end();
  }
}

// The verdict after each work comes as a line of its own.
async function grow(form, progress, result) {
  const answer = await fetch(form.getAttribute("action"), {
    method: "POST",
    body: new FormData(form),
    headers: { accept: "application/x-ndjson" },
  }).catch(() => {
    throw new Error(UNREACHABLE);
  });
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw new Error(page.querySelector(".problem p")?.textContent ?? `The server answered ${answer.status}.`);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) step(JSON.parse(line), progress, result);
  }
  offerReport(result);
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start", behavior: motion() });
}

function step(said, progress, result) {
  if (said.problem) throw new Error(said.problem);
  const page = new DOMParser().parseFromString(said.html, "text/html");
  result.replaceChildren(...page.body.childNodes);
  progress.counted(said.done, said.of);
}

function show(result, page, attach) {
  const fresh = new DOMParser().parseFromString(page, "text/html").querySelector("[data-result]");
  result.replaceChildren(...(fresh?.childNodes ?? [problem("The server gave no answer.")]));
  offerReport(result);
  attach(result);
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start", behavior: motion() });
}

// Without scripts a page that shows an answer has lost the files, and could not send them again.
function offerReport(result) {
  for (const button of result.querySelectorAll("[data-share]")) button.hidden = false;
}

function isReport(answer) {
  return answer.getResponseHeader("content-disposition")?.startsWith("attachment") ?? false;
}

// To whom or where, the system asks; where it cannot, the report is downloaded.
async function share(blob) {
  const file = new File([blob], "samehand-report.html", { type: "text/html" });
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
function send(form, address, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(form.method, address);
    request.responseType = "blob";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress.sent(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => progress.looking());
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () =>
      reject(new Error(UNREACHABLE)),
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

  counted(done, total) {
    this.bar.value = done / total;
    this.say(`${done} of ${total} works weighed`);
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
