// Settings of pages: what is chosen goes into the address.
(function () {
  "use strict";
  const NONE = "-"; // as in layouts/settings_bar.py

  function holder(element) {
    return element.closest && element.closest("[data-param]");
  }

  // All values of a parameter, in the order of its controls; fields that stand together make one value.
  function values(param) {
    const found = Array.from(document.querySelectorAll(".settings [data-param='" + param + "']"), (each) => {
      const parts = Array.from(each.querySelectorAll("select, input"), (field) => (field.value.trim() === NONE ? "" : field.value.trim()));
      return parts.every(Boolean) ? parts.join(".") : "";
    }).filter(Boolean);
    return Array.from(new Set(found));
  }

  // The usual value is left out, where there is one.
  function write(params, param, usual) {
    const found = values(param);
    params.delete(param);
    if (!found.length && usual !== "") params.append(param, "");
    if (!(found.length === 1 && found[0] === usual)) found.forEach((value) => params.append(param, value));
  }

  function chosen(setting) {
    const params = new URLSearchParams(window.location.search);
    write(params, setting.dataset.param, setting.dataset.default);
    for (const each of document.querySelectorAll(".settings [data-keep]")) write(params, each.dataset.param, null);
    const search = params.size ? "?" + params.toString() : "";
    if (search === window.location.search) return;
    window.history.pushState({}, "", window.location.pathname + search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  document.addEventListener("change", (event) => {
    const setting = holder(event.target);
    if (setting && event.target.reportValidity()) chosen(setting);
  });
  document.addEventListener("keydown", (event) => {
    const setting = event.key === "Enter" && event.target.matches && event.target.matches("input") && holder(event.target);
    if (setting && event.target.reportValidity()) chosen(setting);
  });
})();
