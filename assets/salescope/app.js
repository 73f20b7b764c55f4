// Browser-side callbacks: the URL holds the state, controls write it, pages are told when it changed.
(function () {
  "use strict";
  const PAGES = { "/": "overview", "/trends": "trends", "/countries": "countries", "/products": "products", "/forecast": "forecast", "/explore": "explore", "/details": "details", "/lines": "lines", "/data": "data" };
  // Pages made of forms: their addresses, and those of Data, hold no filters that other pages could take along.
  const FORMS = {
    "/people": "people", "/roles": "roles", "/tokens": "tokens", "/audit": "audit",
    "/usage": "usage", "/settings": "settings", "/account": "account", "/plan": "plan", "/ask": "ask", "/teach": "teach",
  };
  Object.assign(PAGES, FORMS);
  const WITHOUT_FILTERS = ["/data", ...Object.keys(FORMS)];
  let fromControls = null;

  // Scripts that only some pages need.
  const GRID = "/_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js";
  const LATE = { "/lines": GRID, "/plan": GRID };
  const loading = {};
  function loaded(source) {
    if (!source) return Promise.resolve();
    loading[source] = loading[source] || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = () => { delete loading[source]; reject(new Error("A part of the page could not be loaded.")); };
      document.head.append(script);
    });
    return loading[source];
  }

  function route(pathname, search, current) {
    const asked = search || "";
    // The page that came with the layout is there already.
    if (current && route.last === undefined) route.last = current.search;
    if (!current || current.pathname !== pathname) {
      route.last = asked;
      const there = { pathname: pathname, search: asked };
      return LATE[pathname] ? loaded(LATE[pathname]).then(() => there) : there;
    }
    if (asked !== route.last) {
      const source = asked === fromControls ? "controls" : "address";
      dash_clientside.set_props(PAGES[pathname] + "-search", { data: { search: asked, from: source } });
    }
    route.last = asked;
    carry(WITHOUT_FILTERS.includes(pathname) ? "" : asked);
    return dash_clientside.no_update;
  }

  // The navigation takes the filters along, but not what belongs to one page.
  function carry(whole) {
    const params = new URLSearchParams(whole);
    for (const key of Array.from(params.keys())) {
      if (key.includes("-") || ["by", "grain", "segment", "sort"].includes(key)) params.delete(key);
    }
    const search = params.size ? "?" + params.toString() : "";
    for (const link of document.querySelectorAll("header nav a[id]")) {
      dash_clientside.set_props(link.id, { href: link.id.replace("go-to-", "") + search });
    }
  }

  // What an address says, whatever the order, and whether or not it names what holds anyway: links name everything.
  function told(search, defaults) {
    const params = new URLSearchParams(search);
    for (const name of ["period", "compare"]) if (params.get(name) === defaults[name]) params.delete(name);
    params.sort();
    return params.toString();
  }

  function filtersToUrl(...values) {
    const defaults = values.pop();
    const changed = (dash_clientside.callback_context.triggered[0] || {}).prop_id || "";
    let [period, first, last] = values;
    const compare = defaults.comparisons ? values[3] : null;
    const chosen = values.slice(defaults.comparisons ? 4 : 3);
    if (/-period\.value$/.test(changed) && period === "custom") [first, last] = showDates(changed, defaults.shown);
    const params = new URLSearchParams(window.location.search);
    for (const name of ["period", "from", "to", ...defaults.dimensions]) params.delete(name);
    if (period === "custom") {
      if (!first || !last) return dash_clientside.no_update;
      params.set("from", first);
      params.set("to", last);
    } else if (period !== defaults.period) {
      params.set("period", period);
    }
    if (defaults.comparisons) {
      params.delete("compare");
      if (compare !== defaults.compare) params.set("compare", compare);
    }
    defaults.dimensions.forEach((name, index) => {
      for (const value of chosen[index] || []) params.append(name, value);
    });
    const search = params.size ? "?" + params.toString() : "";
    if (told(params, defaults) === told(window.location.search, defaults)) return dash_clientside.no_update;
    fromControls = search;
    return search;
  }

  // Choosing one's own dates starts from those on show.
  function showDates(changed, shown) {
    const page = changed.split("-period")[0];
    dash_clientside.set_props(page + "-from", { value: shown[0] });
    dash_clientside.set_props(page + "-to", { value: shown[1] });
    return shown;
  }

  // The two dates are offered only where the period is not one of the named ones.
  function dates(period) {
    return period === "custom" ? "dates" : "dates off";
  }

  function addRow(clicks, rows) {
    return [...(rows || []), { measure: "", from: "", to: "", value: "", dimension: "", key: "" }];
  }

  function removeRows() {
    return true;
  }

  // The grid asks for its rows again when the filters above it changed.
  function reloadGrid(change, grid) {
    dash_ag_grid.getApiAsync(grid).then((api) => api.purgeInfiniteCache());
    return Date.now();
  }

  function theme(clicks) {
    const root = document.documentElement;
    if (clicks) {
      const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      try { localStorage.setItem("salescope-theme", next); } catch (error) { /* the choice lasts for this page */ }
    }
    return root.getAttribute("data-bs-theme") === "dark" ? "Change to light" : "Change to dark";
  }

  function title(text) {
    if (text) document.title = text;
    return dash_clientside.no_update;
  }

  // Dash's dropdown takes the keyboard's focus through a hidden input, which screen readers must not meet, and is not
  // named after its label: the button itself is put into the tab order and named. Its upload has no name at all.
  function nameControls() {
    for (const button of document.querySelectorAll("button.dash-dropdown[tabindex='-1']")) {
      button.tabIndex = 0;
      const label = document.querySelector("label[for='" + button.id + "']");
      if (label) {
        label.id = button.id + "-label";
        button.setAttribute("aria-labelledby", label.id + " " + button.getAttribute("aria-labelledby"));
      }
    }
    for (const input of document.querySelectorAll(".upload input[type='file']:not([aria-label])")) {
      input.setAttribute("aria-label", input.closest(".upload").textContent);
    }
  }
  new MutationObserver(nameControls).observe(document.documentElement, { childList: true, subtree: true });

  // An open page asks now and then which data are live, and shows newer ones in its place: filters, focus and scroll
  // stay as they are. Only newer ones count, since another worker may not have seen them yet.
  const ASK_EVERY = 5000;
  let live = null;

  async function askForNews() {
    if (document.visibilityState !== "visible") return;
    let answer;
    try {
      answer = await fetch("/data/version", { headers: { Accept: "application/json" }, cache: "no-store" });
    } catch (error) {
      return; // the server may be starting anew
    }
    if (answer.status === 401) {
      clearInterval(asking);
      document.removeEventListener("visibilitychange", askForNews);
    }
    if (!answer.ok) return;
    const found = await answer.json();
    const before = live;
    // A page with something typed or chosen in it is not taken away; it is asked again until that is done.
    if (before !== null && found.model !== before.model && document.querySelector(".unsaved")) return;
    if (before === null || found.version > before.version) live = found;
    if (before !== null && found.version > before.version) showNews(before, found);
  }

  function showNews(before, found) {
    if (found.model !== before.model) {
      window.location.reload(); // other data have other filters and charts
      return;
    }
    const page = PAGES[window.location.pathname];
    // Pages about the data have a period; others, such as a form being filled in, stay as they are.
    if (!page || !document.getElementById(page + "-period")) return;
    dash_clientside.set_props(page + "-search", {
      data: { search: window.location.search, from: "news", version: found.version },
    });
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    dash_clientside.set_props("news", { children: "New data. The page shows them since " + time + "." });
    dash_clientside.set_props("news-box", { className: "news on" });
  }

  function closeNews() {
    return ["", "news"];
  }

  const asking = setInterval(askForNews, ASK_EVERY);
  document.addEventListener("visibilitychange", askForNews);
  askForNews();

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.salescope = Object.assign({}, window.dash_clientside.salescope, {
    route, filtersToUrl, dates, addRow, removeRows, reloadGrid, theme, title, closeNews,
  });
})();
