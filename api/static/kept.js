// Keeps what was typed into a form, in this window alone, in case the session has ended when it is sent.
"use strict";
(() => {
  const KEPT = "cyclebook.typed";
  const SECRET = new Set(["hidden", "password", "file", "submit", "button"]);
  const who = document.body.dataset.visitor;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");

  const fields = (form) => [...form.elements].filter((each) => each.name && !SECRET.has(each.type));
  const chosen = (field) => field.type === "radio" || field.type === "checkbox";

  function keep(form) {
    const typed = fields(form).filter((each) => !chosen(each) || each.checked).map((each) => [each.name, each.value]);
    if (!who || !typed.length) return sessionStorage.removeItem(KEPT);
    sessionStorage.setItem(KEPT, JSON.stringify({ who, page: location.pathname + location.search, to: form.action, typed }));
  }

  function fill(form) {
    const has = (field) => kept.typed.some(([name, value]) => name === field.name && value === field.value);
    for (const field of fields(form)) {
      const typed = kept.typed.find(([name]) => name === field.name);
      if (chosen(field)) field.checked = has(field);
      else if (typed) field.value = typed[1];
    }
    const said = document.createElement("p");
    said.className = "said";
    said.setAttribute("role", "status");
    said.textContent = "What you had entered is filled in again. It was not carried out yet.";
    form.before(said);
  }

  document.addEventListener("submit", (event) => { if (who && event.target.method === "post") keep(event.target); });

  const words = document.getElementById("kept");
  if (words && kept) { // the session has ended
    words.hidden = false;
    sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, ended: true }));
    for (const next of document.getElementsByName("next")) next.value = kept.page;
  } else if (who && kept && (!kept.ended || kept.who !== who)) {
    sessionStorage.removeItem(KEPT); // it was carried out, or somebody else is here now
  } else if (who && kept && kept.page === location.pathname + location.search) {
    sessionStorage.removeItem(KEPT);
    const form = [...document.forms].find((each) => each.method === "post" && each.action === kept.to);
    if (form) fill(form);
  }
})();
