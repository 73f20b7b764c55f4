// Hands Dash what head.js asked for early: the layout with the first page in it, and the list of callbacks.
(function () {
  "use strict";
  // A page that takes longer comes after the frame around it, which says what it is doing and can be cancelled.
  const PATIENCE = 1000;
  const early = window.salescopeEarly || {};
  const send = window.fetch.bind(window);
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  async function first(found, address, options) {
    const answer = await Promise.race([found.catch(() => null), wait(PATIENCE)]);
    if (answer && answer.ok) return answer;
    // What comes too late is not read; a body left alone would keep its connection.
    found.then((late) => late.body && late.body.cancel()).catch(() => null);
    const sent = send(address, options);
    sent.then((late) => late.ok || broken(), broken);
    return sent;
  }

  function broken() {
    window.salescopeBroken("The page could not be loaded: the site does not answer as it should.");
  }

  window.fetch = (address, options) => {
    const name = String(address.url || address).split("/").pop(), found = early[name];
    if (!found) return send(address, options);
    delete early[name];
    return first(found, address, options);
  };
})();
