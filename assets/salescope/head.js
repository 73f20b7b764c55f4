// Runs before anything is painted, so that a dark page never flashes white, and asks for the first page while the
// scripts that show it are still on their way (assets/salescope/early.js hands it over).
(function () {
  "use strict";
  var kept = null;
  try { kept = localStorage.getItem("salescope-theme"); } catch (error) { /* private windows may refuse storage */ }
  var dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
  // The pages in front of the application load this file; there is nobody signed in to ask for.
  if (document.currentScript.src) return;
  // What does not come at all, or not as asked, is said, whichever script is missing; the address keeps the state.
  window.salescopeBroken = function (words) {
    var box = document.getElementById("broken");
    document.documentElement.classList.toggle("stale", Boolean(words));
    if (!words) return box && box.remove();
    if (!box) {
      box = document.createElement("div");
      box.id = "broken";
      box.setAttribute("role", "alert");
      box.append(document.createElement("span"), document.createElement("button"));
      box.lastChild.type = "button";
      box.lastChild.className = "btn btn-sm btn-primary";
      box.lastChild.textContent = "Reload";
      box.lastChild.addEventListener("click", function () { location.reload(); });
    }
    box.firstChild.textContent = words;
    document.body.append(box);
  };
  addEventListener("error", function (event) {
    if (event.target.tagName === "SCRIPT") salescopeBroken("A part of the page could not be loaded.");
  }, true);
  var ask = { credentials: "same-origin", headers: { Accept: "application/json" } };
  window.salescopeEarly = {
    "_dash-layout": fetch("/_dash-layout?at=" + encodeURIComponent(location.pathname + location.search), ask),
    "_dash-dependencies": fetch("/_dash-dependencies", ask),
  };
})();
