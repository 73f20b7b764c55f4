// Tiles in the browser: marks that can be asked about, the panel they open, brushing, undo, exports of pictures.
(function () {
  "use strict";
  const set = (id, properties) => dash_clientside.set_props(id, properties);
  const byId = (id) => document.getElementById(id);
  const LOOKS = ["measure", "by", "grain", "segment"];
  let anchor = null; // what the panel was opened from
  let place = null; // where it was clicked

  // The mark of a point, a row or a button: what layouts/marks.py wrote, read back.
  function markOf(meta, row) {
    return { measure: meta.measure, label: row[0], at: meta.fields.map((field, index) => [field, row[index + 1]]) };
  }

  function tileOf(element) {
    return element.closest(".tile, [data-query]");
  }

  function queryOf(tile) {
    const holder = tile && (tile.matches("[data-query]") ? tile : tile.querySelector("[data-query]"));
    return holder ? holder.dataset : {};
  }

  function ask(kind, element, more) {
    const { query, title } = queryOf(tileOf(element));
    if (!query) return;
    anchor = element;
    const { pathname, search } = window.location;
    set("panel-asked", { data: { kind, query, title, path: pathname, search, at: Date.now(), ...more } });
    document.documentElement.classList.add("asking");
  }

  function markOfButton(button) {
    const meta = button.dataset.meta || button.closest("[data-meta]").dataset.meta;
    return markOf(JSON.parse(meta), JSON.parse(button.dataset.mark));
  }

  // Figures. What plotly draws is wrapped, so that each drawing is listened to once and touch scrolls past charts.
  const touch = window.matchMedia("(pointer: coarse)");
  function pointMark(point) {
    const meta = point.data.meta, row = point.customdata;
    return meta && meta.fields && row ? markOf(meta, row) : null;
  }

  function listen(graph) {
    if (graph.dataset.listened || !graph.on) return graph;
    graph.dataset.listened = "yes";
    graph.on("plotly_click", (event) => {
      const mark = event.points.map(pointMark).find(Boolean);
      if (!mark) return;
      const own = event.event || {};
      place = { x: own.clientX || 0, y: own.clientY || 0 };
      ask(own.ctrlKey || own.metaKey || own.shiftKey ? "filter" : "menu", graph, { mark });
    });
    graph.on("plotly_selected", (event) => {
      if (!event) return;
      const marks = telling(graph, [...(event.points || []).map(pointMark), ...cells(graph, event.range)].filter(Boolean));
      if (!marks.length) return;
      ask("filter", graph, { marks });
      window.Plotly.relayout(graph, { selections: [] });
      window.Plotly.restyle(graph, { selectedpoints: [null] });
    });
    return graph;
  }

  // The marks of the cells of heat maps in a rectangle; plotly selects points only.
  function cells(graph, range) {
    if (!range || !range.x || !range.y) return [];
    const inside = (axis, [one, other]) => (value, index) => {
      const at = axis.type === "category" ? axis._categories.indexOf(value) : Number(value);
      return at >= Math.min(one, other) && at <= Math.max(one, other) ? index : -1;
    };
    const { xaxis, yaxis } = graph._fullLayout;
    return graph.data.filter((trace) => trace.type === "heatmap" && trace.meta).flatMap((trace) => {
      const columns = trace.x.map(inside(xaxis, range.x)), rows = trace.y.map(inside(yaxis, range.y));
      return rows.filter((row) => row >= 0).flatMap((row) => columns.filter((column) => column >= 0)
        .map((column) => trace.customdata[row][column] && markOf(trace.meta, trace.customdata[row][column])));
    });
  }

  // Of each mark what tells it apart: a field whose every value was dragged over filters nothing.
  function telling(graph, marks) {
    const traces = graph.data.filter((trace) => trace.meta && trace.meta.fields);
    const values = (some) => (field) => new Set(some.flatMap((mark) => mark.at).filter(([name]) => name === field).map(([, value]) => value));
    const all = traces.flatMap((trace) => trace.customdata.flatMap((row) => (row && Array.isArray(row[0]) ? row : [row]))
      .filter(Boolean).map((row) => markOf(trace.meta, row)));
    const chosen = values(marks), there = values(all);
    const fields = [...new Set(marks.flatMap((mark) => mark.at.map(([field]) => field)))];
    const kept = fields.filter((field) => chosen(field).size < there(field).size);
    const found = new Map();
    for (const mark of kept.length ? marks : []) {
      const one = { measure: mark.measure, label: mark.label, at: mark.at.filter(([field]) => kept.includes(field)) };
      found.set(JSON.stringify(one.at), one);
    }
    return [...found.values()];
  }

  function prepared(figure) {
    if (touch.matches && figure && figure.layout && figure.layout.dragmode) {
      return { ...figure, layout: { ...figure.layout, dragmode: false } };
    }
    return figure;
  }

  // Charts out of sight are drawn one by one after those in sight were painted; those of one graph in their order.
  const waiting = new WeakMap();
  let last = Promise.resolve();

  function inSight(graph) {
    const box = graph.getBoundingClientRect();
    return box.top < window.innerHeight && box.bottom > 0;
  }

  function turn() {
    // Frames are not drawn in a tab behind others, where a timer still runs.
    const frame = () => new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); setTimeout(done, 200); });
    last = last.then(frame);
    return last;
  }

  for (const name of ["newPlot", "react"]) {
    const draw = window.Plotly[name];
    window.Plotly[name] = (graph, figure, ...more) => {
      const act = () => draw(graph, Array.isArray(figure) ? figure : prepared(figure), ...more).then(listen);
      const before = waiting.get(graph) || (inSight(graph) ? null : turn());
      if (!before) return act();
      const drawn = before.then(act), over = drawn.catch(() => null);
      waiting.set(graph, over);
      over.then(() => waiting.get(graph) === over && waiting.delete(graph));
      return drawn;
    };
  }

  // The panel.
  function panelFilled(content) {
    document.documentElement.classList.remove("asking");
    if (!content || !content.length) return dash_clientside.no_update;
    requestAnimationFrame(() => {
      const panel = byId("panel");
      const follow = panel.querySelector("[data-follow] a");
      if (follow) return go(follow.getAttribute("href"));
      panel.hidden = false;
      put(panel);
      (panel.querySelector("a[data-go], summary") || panel.querySelector("button") || panel).focus({ preventScroll: true });
    });
    return dash_clientside.no_update;
  }

  // Beside what was clicked, inside the window.
  function put(panel) {
    const box = anchor && anchor.getBoundingClientRect();
    const at = place || (box && { x: box.left, y: box.bottom }) || { x: 0, y: 0 };
    const width = panel.offsetWidth, height = panel.offsetHeight;
    panel.style.left = Math.max(8, Math.min(at.x + 8, window.innerWidth - width - 16)) + "px";
    panel.style.top = Math.max(8, Math.min(at.y + 8, window.innerHeight - height - 8)) + "px";
    place = null;
  }

  function close(refocus) {
    const panel = byId("panel");
    if (!panel || panel.hidden) return false;
    panel.hidden = true;
    if (refocus && anchor && anchor.isConnected && anchor.focus) anchor.focus();
    return true;
  }

  // Going somewhere without loading the page anew.
  function go(href) {
    close(false);
    const target = new URL(href, window.location.href);
    if (target.href === window.location.href) return;
    window.history.pushState({}, "", target.pathname + target.search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  // What a page looks at stays when its filters change.
  function kept(href) {
    const target = new URL(href, window.location.href), params = new URLSearchParams(target.search);
    for (const [key, value] of new URLSearchParams(window.location.search)) {
      if (key.includes("-") || LOOKS.includes(key)) params.append(key, value);
    }
    return target.pathname + "?" + params.toString();
  }

  // The address of this page with other values of some parameters.
  function changed(values) {
    const params = new URLSearchParams(window.location.search);
    for (const [key, value] of Object.entries(values)) params.set(key, value);
    return window.location.pathname + "?" + params.toString();
  }

  // Undo: how many steps of this visit can be taken back.
  const STEPS = "salescope-steps";
  const steps = () => Number(sessionStorage.getItem(STEPS) || 0);
  function count(change) {
    try { sessionStorage.setItem(STEPS, Math.max(0, steps() + change)); } catch (error) { /* nothing to count in */ }
    document.documentElement.classList.toggle("can-undo", steps() > 0);
  }
  const push = window.history.pushState.bind(window.history);
  window.history.pushState = (...given) => {
    push(...given);
    count(1);
  };
  window.addEventListener("popstate", () => count(-1));
  function undo() {
    if (steps() > 0) window.history.back();
  }
  count(0);

  // Pictures of figures.
  function picture(graph, format, title) {
    const style = getComputedStyle(document.body);
    const text = { color: style.color, family: style.fontFamily };
    const layout = { ...graph.layout, font: text, title: { text: title }, margin: { l: 60, r: 30, t: 60, b: 50 } };
    layout.paper_bgcolor = getComputedStyle(graph.closest(".card")).backgroundColor;
    return window.Plotly.toImage({ data: graph.data, layout }, { format, width: 1200, height: 600, scale: 2 });
  }

  function save(href, name) {
    const link = document.createElement("a");
    link.href = href;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
  }

  function say(words, color) {
    const props = { children: words, color: color, dismissable: true, duration: color === "danger" ? null : 4000 };
    set("problems", { children: { type: "Alert", namespace: "dash_bootstrap_components", props } });
  }

  // A file of the server; what it says instead of one is shown.
  async function fetched(address) {
    document.documentElement.classList.add("asking");
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) return say((await answer.json()).error || "The server answered " + answer.status + ".", "danger");
      const named = /filename\*?=(?:UTF-8'')?"?([^";]+)/.exec(answer.headers.get("Content-Disposition") || "");
      const href = URL.createObjectURL(await answer.blob());
      save(href, named ? decodeURIComponent(named[1]) : "export");
      setTimeout(() => URL.revokeObjectURL(href), 60000);
    } catch (error) {
      say("The server does not answer. Check the connection and try again.", "danger");
    } finally {
      document.documentElement.classList.remove("asking");
    }
  }

  async function exported(button) {
    const tile = button.closest(".tile"), { query, title, measure, sheet } = queryOf(tile), kind = button.dataset.export;
    button.closest("details").open = false;
    if (kind === "png" || kind === "svg") {
      save(await picture(tile.querySelector(".js-plotly-plot"), kind, title), title + "." + kind);
    } else if (sheet) {
      const { pathname, search } = window.location;
      fetched("/exports/page." + kind + "?" + new URLSearchParams({ path: pathname, search, tile: title }));
    } else {
      fetched("/exports/answer." + kind + "?" + new URLSearchParams({ title, query, measure: measure || "" }));
    }
  }

  // Saved views.
  function askViews(button, more) {
    anchor = button.closest("details") ? button.closest("details").querySelector("summary") : anchor;
    const { pathname, search } = window.location;
    set("panel-asked", { data: { path: pathname, search, at: Date.now(), ...more } });
  }

  function viewDone(button) {
    if (button.dataset.view === "remove") {
      return askViews(button, { kind: "remove-view", number: Number(button.dataset.number) });
    }
    const more = { kind: "save-view", name: byId("view-name").value };
    for (const flag of ["home", "follows", "shared"]) more[flag] = Boolean((byId("view-" + flag) || {}).checked);
    return askViews(button, more);
  }

  function pageExported(button) {
    const kind = button.dataset.pageExport, { pathname, search, href } = window.location;
    button.closest("details").open = false;
    if (kind === "views") return askViews(button, { kind: "views" });
    if (kind === "print") return window.print();
    if (kind === "link") {
      return navigator.clipboard.writeText(href).then(
        () => say("The address is copied: whoever opens it sees this page with the rows of their own role.", "info"),
        () => say(href, "info"),
      );
    }
    const what = pathname === "/lines" ? "lines" : "page";
    return fetched("/exports/" + what + "." + kind + "?" + new URLSearchParams({ path: pathname, search }));
  }

  // What takes longer than a second says so, and can be given up: the page goes back to what it showed.
  const SLOW = 1000, ASK_AGAIN = 3, CALLBACK = "_dash-update-component";
  const under = new Map();
  const send = window.fetch.bind(window);
  window.fetch = (address, options) => {
    if (!String(address.url || address).includes(CALLBACK)) return send(address, options);
    const control = new AbortController(), key = Symbol("request");
    under.set(key, { control, since: Date.now() });
    setTimeout(showSlow, SLOW + 20);
    const asked = JSON.parse(options.body).output;
    return patient(address, { ...options, signal: control.signal }, ASK_AGAIN).then((answer) => told(asked, answer), (error) => {
      if (!control.signal.aborted) missing(asked, "The server does not answer, so this is not what was asked for.");
      throw error;
    }).finally(() => {
      under.delete(key);
      showSlow();
    });
  };

  // What was asked for and did not come, until it does or another page stands there.
  const lacking = new Set();
  function missing(asked, words) {
    lacking.add(asked);
    window.salescopeBroken(words);
  }

  // An answer that says why there is none; nothing of the page changed then, whatever its filters say.
  async function told(asked, answer) {
    if (answer.ok) {
      lacking.delete(asked);
      if (asked.includes("content.children")) lacking.clear();
      if (byId("broken") && !lacking.size) window.salescopeBroken("");
      return answer;
    }
    const words = (await answer.clone().json().catch(() => ({}))).error || "The server answered " + answer.status + ", so this is not what was asked for.";
    missing(asked, answer.status === 401 ? "You are signed out. Reload to sign in and come back here." : words);
    if (answer.status === 401) throw new Error(words);
    return answer;
  }

  // A site that is too busy says when to ask again; who waits sees the box of slow answers and can give up.
  async function patient(address, options, tries) {
    const answer = await send(address, options);
    if (answer.status !== 503 || !tries) return answer;
    const seconds = (Number(answer.headers.get("Retry-After")) || 3) * (1 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    return patient(address, options, tries - 1);
  }

  function showSlow() {
    const late = Array.from(under.values()).filter((each) => Date.now() - each.since > SLOW);
    let box = byId("slow");
    if (!late.length) return box && box.remove();
    if (!box) {
      box = document.createElement("div");
      box.id = "slow";
      box.setAttribute("role", "status");
      box.append(document.createElement("span"), document.createElement("button"));
      box.lastChild.type = "button";
      box.lastChild.textContent = "Cancel";
      box.lastChild.className = "btn btn-sm btn-outline-secondary";
      box.lastChild.addEventListener("click", cancel);
      document.body.append(box);
    }
    const seconds = Math.floor((Date.now() - Math.min(...late.map((each) => each.since))) / 1000);
    const page = byId("go-to-" + window.location.pathname) || document.querySelector(".nav-on[aria-current]");
    box.firstChild.textContent = "Asking the data for " + (page ? page.textContent : "this page") + ": " + seconds + " s";
    setTimeout(showSlow, 1000);
  }

  function cancel() {
    for (const each of under.values()) each.control.abort();
    send("/queries/stop", { method: "POST" });
    if (document.querySelector("main .bones")) return window.salescopeBroken("Cancelled before the page was there.");
    undo();
    say("Cancelled. The page shows what it showed before.", "info");
  }

  // One listener for all: what a click means is written on what was clicked.
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest && event.target.closest(selector);
    const link = at("a[data-go]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      if (link.dataset.measure) return go(changed({ measure: link.dataset.measure }));
      return go(link.dataset.go === "keep" ? kept(link.getAttribute("href")) : link.getAttribute("href"));
    }
    if (at("[data-close=panel]")) return close(true);
    if (at("[data-undo]")) return undo();
    const button = at("button[data-mark]");
    if (button) {
      return ask(event.ctrlKey || event.metaKey ? "filter" : "menu", button, { mark: markOfButton(button) });
    }
    if (at("button[data-about]")) return ask("about", at("button[data-about]"), {});
    if (at("button[data-export]")) return exported(at("button[data-export]"));
    if (at("button[data-view]")) return viewDone(at("button[data-view]"));
    if (at("button[data-page-export]")) return pageExported(at("button[data-page-export]"));
    for (const open of document.querySelectorAll("details.export[open]")) {
      if (!open.contains(event.target) || at("nav a")) open.open = false;
    }
    const panel = byId("panel");
    if (panel && !panel.contains(event.target) && !at(".js-plotly-plot")) close(false);
  });

  document.addEventListener("contextmenu", (event) => {
    const button = event.target.closest && event.target.closest("tr, button[data-mark]");
    const mark = button && (button.matches("[data-mark]") ? button : button.querySelector("button[data-mark]"));
    if (!mark) return;
    event.preventDefault();
    place = event.clientX ? { x: event.clientX, y: event.clientY } : null;
    ask("menu", mark, { mark: markOfButton(mark) });
  });

  // The open drop-down is closed from the keyboard, which goes back to the word that opened it.
  function fold() {
    const open = document.querySelector("details.export[open]");
    if (!open) return false;
    open.open = false;
    open.querySelector("summary").focus();
    return true;
  }

  const typing = (element) => element && element.matches && element.matches("input, textarea, select, [contenteditable]");
  const MOVES = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

  // Arrow keys walk through the rows of a table and the lines of the panel.
  function walk(event) {
    const here = event.target;
    const list = here.closest && (here.closest("#panel") || here.closest("tbody"));
    if (!list || !(event.key in MOVES) || !here.matches("a[data-go], button[data-mark]")) return false;
    const all = Array.from(list.querySelectorAll(list.id === "panel" ? "a[data-go]" : "button[data-mark]"));
    const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(here) + MOVES[event.key]))];
    if (here.matches("button[data-mark]")) {
      here.tabIndex = -1;
      next.tabIndex = 0;
    }
    next.focus();
    event.preventDefault();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (close(true) || fold())) return event.preventDefault();
    if (walk(event) || typing(event.target)) return;
    const wanted = event.key === "u" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (wanted || (event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey)) {
      event.preventDefault();
      undo();
    }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.salescope = Object.assign({}, window.dash_clientside.salescope, { panelFilled });
})();
