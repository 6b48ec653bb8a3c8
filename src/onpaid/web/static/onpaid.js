/* Every page without this file is complete. With it: keys, colours, a question before an act, and pages that stay
   fresh; a customer's page only stays fresh. The theme comes first, so that nothing flashes. */
"use strict";
const root = document.documentElement;
const store = {
  get: () => { try { return localStorage.getItem("theme") || ""; } catch { return ""; } },
  set: (value) => { try { localStorage.setItem("theme", value); } catch { /* private window */ } },
};
const paint = (theme) => { theme ? (root.dataset.theme = theme) : delete root.dataset.theme; };
paint(store.get());

/* -- keeping a page fresh: only what differs is touched; open details, typed text and focus stay ------------------ */
const KEPT = { DETAILS: ["open"], INPUT: ["value", "checked"], TEXTAREA: ["value"], DIALOG: ["open"] };
function sync(old, fresh) {
  const kept = [...(KEPT[old.tagName] || []), "data-picked"];
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  if (old.tagName === "TEXTAREA") return;
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    let match = child.id ? named.get(child.id) : at;
    if (!child.id) while (match && (match.nodeName !== child.nodeName || match.id)) match = match.nextSibling;
    if (!match) {
      const added = old.insertBefore(child.cloneNode(true), at);
      if (added.id && (added.matches("tr, .moment, .problem"))) added.dataset.new = "";
      continue;
    }
    if (match !== at) old.insertBefore(match, at); else at = at.nextSibling;
    if (match.nodeType === 1) sync(match, child);
    else if (match.nodeValue !== child.nodeValue) match.nodeValue = child.nodeValue;
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}
function keepFresh(main) {
  const every = Number(main.dataset.live) * 1000, dot = document.getElementById("live");
  let tag = "", wait = every, timer = 0;
  const say = (state, text) => { dot.dataset.state = state; dot.lastElementChild.textContent = text; };
  const look = async () => {
    if (document.hidden || document.querySelector("dialog[open]")) return again();
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.redirected) { location.reload(); return; }
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") || "";
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        sync(main, page.getElementById("main"));
        const nav = page.querySelector(".rail nav");
        if (nav) sync(document.querySelector(".rail nav"), nav);
      } else if (answer.status !== 304) throw new Error(answer.status);
      wait = every; say("live", "live");
    } catch { wait = Math.min(wait * 2, 60000); say("lost", "reconnecting"); }
    again();
  };
  const again = () => { clearTimeout(timer); timer = setTimeout(look, wait); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  dot.hidden = false; say("live", "live"); again();
}

addEventListener("DOMContentLoaded", () => {
  const $ = (selector) => document.querySelector(selector);
  const main = $("main[data-live]");
  if (main && main.dataset.live !== "0") keepFresh(main);
  const here = new URL(location.href);
  if (here.searchParams.has("said")) { here.searchParams.delete("said"); history.replaceState(null, "", here); }

  /* -- colours -------------------------------------------------------------------------------------------------- */
  const toggle = $("[data-theme-toggle]"), themes = ["", "light", "dark"];
  const turn = () => {
    const theme = themes[(themes.indexOf(store.get()) + 1) % 3];
    store.set(theme); paint(theme);
    if (toggle) toggle.setAttribute("aria-label", `Colours: ${theme || "automatic"}`);
  };
  if (toggle) { toggle.hidden = false; toggle.onclick = turn; toggle.setAttribute("aria-label", `Colours: ${store.get() || "automatic"}`); }
  const help = $("#help"), helper = $("[data-help]");
  if (helper) { helper.hidden = false; helper.onclick = () => help.showModal(); }

  /* -- a question before an act --------------------------------------------------------------------------------- */
  const ask = $("#confirm");
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!ask || !form.dataset || !form.dataset.confirm || form.dataset.sure) return;
    event.preventDefault();
    $("#confirm-text").textContent = form.dataset.confirm;
    $("#confirm-yes").textContent = form.dataset.button;
    ask.returnValue = "";
    ask.onclose = () => { if (ask.returnValue === "yes") { form.dataset.sure = "1"; form.requestSubmit(event.submitter); } };
    ask.showModal();
  });

  if (document.body.matches(".guest")) return;

  /* -- keys ----------------------------------------------------------------------------------------------------- */
  let went = 0;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const pick = (step) => {
    const all = rows(), now = all.findIndex((row) => "picked" in row.dataset);
    if (!all.length) return;
    if (now >= 0) delete all[now].dataset.picked;
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
    next.dataset.picked = "";
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
    const target = event.timeStamp - went < 1500 ? $(`[data-go="${CSS.escape(event.key)}"]`) : null;
    went = 0;
    if (target) { target.click(); return; }
    const keys = {
      "/": () => { const field = $("[data-search]"); if (field) { field.focus(); field.select(); } else location.href = $(".logo").href; },
      j: () => pick(1), k: () => pick(-1), t: turn, "?": () => help && help.showModal(),
      g: () => { went = event.timeStamp; },
      Enter: () => { const link = event.target === document.body || event.target === $("main") ? $("[data-picked] a") : null; if (link) link.click(); else return true; },
    };
    if (keys[event.key] && keys[event.key]() !== true) event.preventDefault();
  });
});
