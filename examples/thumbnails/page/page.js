/** The page: one card for each image, from the choice to the thumbnail. */

/** Uploads under way at once; the others wait in the page. */
const uploadLimit = 6;
/** As the web program's: a larger file is not even sent. */
const fileLimitBytes = 10 * 1024 * 1024;

const drop = document.getElementById("drop");
const files = document.getElementById("files");
const width = document.getElementById("width");
const cards = document.getElementById("cards");
const summary = document.getElementById("summary");
const template = document.getElementById("card");

const waiting = [];
const counts = { all: 0, done: 0, failed: 0, running: 0 };
const workers = new Set();

files.addEventListener("change", () => {
  take(files.files);
  files.value = "";
});

// A file dropped beside the field must not replace the page.
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => event.preventDefault());
}
drop.addEventListener("dragover", () => drop.classList.add("over"));
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());

function take(list) {
  if (!width.reportValidity()) {
    return;
  }
  for (const file of list) {
    const card = template.content.firstElementChild.cloneNode(true);
    card.querySelector(".name").textContent = file.name;
    card.querySelector(".name").title = file.name;
    card.querySelector("progress").setAttribute("aria-label", `Upload of ${file.name}`);
    show(card, "waiting", "Waiting to be sent");
    cards.prepend(card);
    counts.all += 1;
    waiting.push({ file, card, width: width.value });
  }
  sendNext();
}

function sendNext() {
  while (counts.running < uploadLimit && waiting.length > 0) {
    counts.running += 1;
    void send(waiting.shift()).finally(() => {
      counts.running -= 1;
      sendNext();
    });
  }
  tellSummary();
}

async function send({ file, card, width }) {
  if (file.size > fileLimitBytes) {
    const size = (file.size / 1_048_576).toFixed(1);
    fail(card, `The file is ${size} MiB; at most 10 MiB are taken.`);
    return;
  }
  const query = new URLSearchParams({ width, name: file.name });
  const answer = await upload(`/thumbnails?${query}`, file, (percent) => {
    card.querySelector("progress").value = percent;
    show(card, "sending", percent < 100 ? `Sending, ${percent} %` : "Waiting for a worker");
    if (percent === 100) {
      card.querySelector("progress").removeAttribute("value");
    }
  });
  if (answer.error !== undefined) {
    fail(card, answer.error);
    return;
  }
  const image = new Image();
  image.src = URL.createObjectURL(answer.blob);
  image.alt = `Thumbnail of ${file.name}`;
  await image.decode().catch(() => undefined);
  card.querySelector(".picture").replaceChildren(image);
  const worker = card.querySelector(".worker");
  worker.textContent = `made by ${answer.madeBy}`;
  worker.style.setProperty("--hue", String(hueOf(answer.madeBy)));
  worker.hidden = false;
  counts.done += 1;
  const size = answer.size.replace("x", " × ");
  show(card, "done", `${size}, ${Math.ceil(answer.blob.size / 1024)} KiB, ${answer.seconds} s`);
}

/** Sends a file. XMLHttpRequest, because fetch does not tell how much has been sent. */
function upload(url, file, onProgress) {
  const { promise, resolve } = Promise.withResolvers();
  const startedAtMs = performance.now();
  const request = new XMLHttpRequest();
  request.open("POST", url);
  request.responseType = "blob";
  request.setRequestHeader("content-type", file.type || "application/octet-stream");
  request.upload.onprogress = (event) =>
    onProgress(Math.round((100 * event.loaded) / Math.max(1, event.total)));
  request.onerror = () => resolve({ error: "The web program could not be reached." });
  request.onload = async () => {
    if (request.status === 200) {
      const madeBy = request.getResponseHeader("thumbnail-made-by") ?? "a worker";
      const size = request.getResponseHeader("thumbnail-size") ?? "";
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      resolve({ blob: request.response, madeBy, size, seconds });
      return;
    }
    const text = await request.response.text();
    resolve({ error: detailOf(text) ?? `The web program answered ${request.status}.` });
  };
  request.send(file);
  return promise;
}

function detailOf(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return undefined;
  }
}

function fail(card, reason) {
  counts.failed += 1;
  show(card, "failed", reason);
}

function show(card, state, text) {
  card.dataset.state = state;
  card.querySelector(".state").textContent = text;
  card.querySelector("progress").hidden = state === "done" || state === "failed";
}

function tellSummary() {
  if (counts.all === 0) {
    return;
  }
  const by = workers.size === 0 ? "" : ` by ${workers.size} worker${workers.size === 1 ? "" : "s"}`;
  const failed = counts.failed === 0 ? "" : `, ${counts.failed} failed`;
  summary.textContent = `${counts.done} of ${counts.all} done${by}${failed}`;
}

/** A colour for each worker in the order of their first thumbnails; neighbours differ most. */
function hueOf(worker) {
  workers.add(worker);
  return ([...workers].indexOf(worker) * 137 + 210) % 360;
}
