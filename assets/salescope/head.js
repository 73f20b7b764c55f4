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
  var ask = { credentials: "same-origin", headers: { Accept: "application/json" } };
  window.salescopeEarly = {
    "_dash-layout": fetch("/_dash-layout?at=" + encodeURIComponent(location.pathname + location.search), ask),
    "_dash-dependencies": fetch("/_dash-dependencies", ask),
  };
})();
