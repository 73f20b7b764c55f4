// Landing forecasts come after the Overview is painted: the key figures ask for them, and they are put where they belong.
(function () {
  "use strict";
  const own = (window.dash_clientside = window.dash_clientside || {});
  own.salescope = own.salescope || {};
  let asked = 0;

  function places() {
    return document.querySelectorAll("[data-landing]");
  }

  own.salescope.askLanding = function () {
    for (const place of places()) place.textContent = "";
    asked += 1;
    return { search: window.location.search, at: asked };
  };

  own.salescope.showLanding = function (found) {
    if (found && found.at === asked) {
      for (const place of places()) place.textContent = found.words[place.dataset.landing] || "";
    }
    return window.dash_clientside.no_update;
  };
})();
