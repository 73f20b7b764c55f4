// The Data page in the browser: uploads with their progress, and buttons whose data-do says what the server is to do.
(function () {
  "use strict";
  const BUSY = 503, BUSY_WAIT = 3000;
  const set = (id, properties) => dash_clientside.set_props(id, properties);
  const byId = (id) => document.getElementById(id);
  let waiting = null; // the button whose question is open

  // What a control says: radios and boxes by what is chosen, the rest by its value.
  function said(field) {
    const chosen = field.querySelector("input[type=radio]:checked");
    if (field.querySelector("input[type=radio]")) return chosen ? chosen.value : "";
    const box = field.querySelector("input[type=checkbox]");
    if (box) return String(box.checked);
    return field.querySelector("input, select, textarea").value;
  }

  function changed(form) {
    return Array.from(form.querySelectorAll("[data-field]")).filter((field) => said(field) !== field.dataset.was);
  }

  function edits(form) {
    return changed(form).map((field) => {
      const { field: name, table = "", column = "", key = "" } = field.dataset;
      return { field: name, value: said(field), table, column, key };
    });
  }

  function ask(button) {
    const { do: what, work, job, number, keepGood, afresh, mode } = button.dataset;
    const form = button.closest(".check, .model");
    const asked = { do: what, at: Date.now() };
    if (work) asked.work = work;
    if (job) asked.job = job;
    if (number) asked.number = Number(number);
    if (keepGood) asked.keep_good = true;
    if (afresh) asked.afresh = true;
    const choice = what === "load" && form ? form.querySelector("[data-mode='true']") : null;
    const chosen = choice ? said(choice) : mode;
    if (button.dataset.needsMode && !chosen) {
      choice.querySelector("input").focus();
      say("Choose what happens to the lines that are there.");
      return;
    }
    if (chosen) asked.mode = chosen;
    if (button.dataset.edits) asked.edits = edits(form);
    if (button.dataset.text) asked.text = said(form.querySelector("[data-text]"));
    set("data-asked", { data: asked });
  }

  function say(words) {
    set("data-said", { children: words });
  }

  function openQuestion(button) {
    waiting = button;
    set("data-confirm-words", { children: button.dataset.confirm });
    byId("data-confirm").showModal();
  }

  function closeQuestion() {
    byId("data-confirm").close();
    const button = waiting;
    waiting = null;
    return button;
  }

  const OWN = {
    choose: choose,
    confirmed: () => ask(closeQuestion()),
    refused: closeQuestion,
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button || button.disabled) return;
    say(null);
    if (button.dataset.confirm) openQuestion(button);
    else (OWN[button.dataset.do] || ask)(button);
  });

  // What was changed has to be applied before anything is loaded.
  function mark(event) {
    const form = event.target.closest && event.target.closest(".check, .model");
    if (!form) return;
    const model = form.querySelector("[data-text]");
    const unsaved = model ? said(model) !== model.dataset.was : changed(form).length > 0;
    form.classList.toggle("unsaved", unsaved);
    const apply = form.querySelector("[data-edits]");
    if (!apply) return;
    const load = form.querySelector("[data-do=load]");
    if (load.dataset.open === undefined) load.dataset.open = String(!load.disabled);
    apply.disabled = !unsaved;
    load.disabled = unsaved || load.dataset.open !== "true";
  }
  document.addEventListener("input", mark);
  document.addEventListener("change", mark);

  // Uploads.
  function choose() {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => upload(Array.from(input.files)));
    input.click();
  }

  function drop(event) {
    const place = event.target.closest && event.target.closest("#data-drop");
    document.querySelectorAll("#data-drop.over").forEach((other) => other !== place && other.classList.remove("over"));
    if (!place) return;
    event.preventDefault();
    place.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") upload(Array.from(event.dataTransfer.files));
  }
  document.addEventListener("dragover", drop);
  document.addEventListener("drop", drop);
  document.addEventListener("dragleave", (event) => {
    const place = event.target.closest && event.target.closest("#data-drop");
    if (place && !place.contains(event.relatedTarget)) place.classList.remove("over");
  });

  async function upload(files) {
    const list = byId("data-files");
    if (!files.length || !list || list.classList.contains("unsaved")) return;
    list.classList.add("unsaved");
    list.replaceChildren();
    const rows = files.map((file) => addRow(list, file));
    const sent = await sendAll(rows);
    list.classList.remove("unsaved");
    if (sent) set("data-asked", { data: { do: "look", work: sent, at: Date.now() } });
  }

  async function sendAll(rows) {
    let begun;
    try {
      begun = await fetch("/data/uploads", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    } catch (error) {
      return fail(rows, "The server does not answer. Check the connection and choose the files again.");
    }
    if (!begun.ok) return fail(rows, await wordsOf(begun));
    const work = (await begun.json()).work;
    for (const row of rows) {
      if (!row.cancelled && !(await send(row, work))) return null;
    }
    return rows.some((row) => row.done) ? work : null;
  }

  async function wordsOf(answer) {
    try {
      return (await answer.json()).error;
    } catch (error) {
      return "The server answered " + answer.status + ".";
    }
  }

  function fail(rows, words) {
    for (const row of rows) row.finish(words, "failed");
    return null;
  }

  function addRow(list, file) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    const words = document.createElement("span");
    const cancel = document.createElement("button");
    name.className = "name";
    name.textContent = file.name;
    bar.className = "bar";
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", "Sent of " + file.name);
    words.className = "quiet";
    words.setAttribute("role", "status");
    words.textContent = size(file.size) + ", waits";
    cancel.type = "button";
    cancel.className = "btn btn-sm btn-outline-secondary";
    cancel.textContent = "Cancel";
    cancel.setAttribute("aria-label", "Cancel " + file.name);
    item.append(name, bar, words, cancel);
    list.append(item);
    const row = { file: file, cancelled: false, done: false, request: null };
    row.progress = (share) => {
      bar.value = share;
      words.textContent = size(file.size) + ", " + Math.floor(share * 100) + "%";
    };
    row.finish = (text, state) => {
      row.done = state === "done";
      item.className = state;
      words.textContent = text;
      cancel.remove();
    };
    cancel.addEventListener("click", () => {
      row.cancelled = true;
      if (row.request) row.request.abort();
      row.finish("Cancelled", "failed");
    });
    return row;
  }

  function size(bytes) {
    const units = ["bytes", "kB", "MB", "GB"];
    let index = 0;
    while (bytes >= 1000 && index < 3) {
      bytes /= 1000;
      index += 1;
    }
    return (index ? bytes.toFixed(1) : bytes) + " " + units[index];
  }

  // Resolves to false when the rest is not to be sent either.
  function send(row, work) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      row.request = request;
      request.open("PUT", "/data/uploads/" + work + "?name=" + encodeURIComponent(row.file.name));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => row.progress(event.total ? event.loaded / event.total : 1));
      request.addEventListener("load", () => {
        if (request.status === BUSY) return setTimeout(() => send(row, work).then(resolve), BUSY_WAIT);
        const good = request.status === 201;
        row.finish(good ? size(row.file.size) + ", sent" : problem(request), good ? "done" : "failed");
        resolve(good);
      });
      request.addEventListener("error", () => {
        row.finish("The connection broke; the file may be larger than this site takes. Choose it again.", "failed");
        resolve(false);
      });
      request.addEventListener("abort", () => resolve(true));
      request.send(row.file);
    });
  }

  function problem(request) {
    if (request.status === 413) return "The file is larger than this site takes (SALESCOPE_UPLOAD_MB).";
    try {
      return JSON.parse(request.responseText).error;
    } catch (error) {
      return "The server answered " + request.status + ".";
    }
  }

  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("#data-files.unsaved")) event.preventDefault();
  });

  // A job ended: other data need the whole page anew, what was found in files only its middle.
  function jobOver(over) {
    if (over && over.anew) window.location.assign(window.location.pathname + over.anew);
    else if (over) set("data-search", { data: { search: window.location.search, from: "job" } });
    return dash_clientside.no_update;
  }

  // Who pressed a button that went with the page before goes on reading where the new one begins.
  function bodyChanged() {
    if (document.activeElement === document.body) byId("data-body").focus({ preventScroll: true });
    return dash_clientside.no_update;
  }

  Object.assign(window.dash_clientside.salescope, { bodyChanged, jobOver });
})();
