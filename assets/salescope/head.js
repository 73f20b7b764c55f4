// Runs before anything is painted, so that a dark page never flashes white.
(function () {
  "use strict";
  var kept = null;
  try { kept = localStorage.getItem("salescope-theme"); } catch (error) { /* private windows may refuse storage */ }
  var dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
