// Pages made of forms: what a form holds goes to the server as one JSON value (layouts/forms.py, callbacks/desk.py).
(function () {
  "use strict";

  function add(fields, name, value) {
    (fields[name] = fields[name] || []).push(value);
  }

  async function held(form) {
    const fields = {};
    for (const [name, value] of new FormData(form)) {
      add(fields, name, value instanceof File ? await value.text() : value);
    }
    for (const box of form.querySelectorAll("[data-field]")) {
      const values = JSON.parse(box.dataset.values);
      fields[box.dataset.field] = [];
      box.querySelectorAll("input[type=checkbox]").forEach((input, index) => {
        if (input.checked) add(fields, box.dataset.field, values[index]);
      });
    }
    return fields;
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    const page = form.closest("[data-desk]").dataset.desk;
    const wanted = (event.submitter && event.submitter.dataset.instead) || form.dataset.act;
    const fields = await held(form);
    dash_clientside.set_props(page + "-asked", { data: { do: wanted, at: Date.now(), fields } });
    form.querySelectorAll("input[type=password]").forEach((input) => (input.value = ""));
  });

  // What came of it is read out where it stands.
  new MutationObserver((changes) => {
    for (const change of changes) {
      const said = change.target.closest && change.target.closest(".desk-said");
      if (said && said.children.length) said.focus();
    }
  }).observe(document, { childList: true, subtree: true });

  // A list of boxes to tick: finding in it, and how many are ticked.
  document.addEventListener("input", (event) => {
    if (!event.target.matches(".narrow input")) return;
    const words = event.target.value.trim().toLowerCase();
    for (const row of event.target.closest("details").querySelectorAll(".form-check")) {
      row.hidden = !row.textContent.toLowerCase().includes(words);
    }
  });
  document.addEventListener("change", (event) => {
    const list = event.target.type === "checkbox" && event.target.closest(".ticking details");
    if (!list) return;
    const count = list.querySelectorAll("input[type=checkbox]:checked").length;
    list.querySelector("summary span").textContent = count + " ticked";
  });
  // Enter in such a field must not save what is half ticked.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(".narrow input")) event.preventDefault();
  });

  document.addEventListener("focusin", (event) => {
    if (event.target.matches && event.target.matches("input.secret")) event.target.select();
  });
})();
