// Keys and small comforts. Every page works without this file.
"use strict";

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
  if (typing(event.target)) return;
  if (event.key === "/") {
    const box = document.querySelector("[data-search]");
    if (box) { event.preventDefault(); box.focus(); }
    return;
  }
  const key = event.key.toLowerCase();
  if (key === "enter" && event.target.closest("a, button, summary")) return;
  const target = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.disabled);
  if (!target) return;
  event.preventDefault();
  const folded = target.closest("details:not([open])");
  if (folded) {
    folded.open = true;
    // Nothing is sent that nobody has seen.
    if (target.matches("button")) return;
  }
  if (target.matches("textarea, input:not([type=checkbox]):not([type=radio])")) target.focus();
  else target.click();
});

document.addEventListener("change", (event) => {
  const text = event.target.selectedOptions && event.target.selectedOptions[0].dataset.text;
  if (text === undefined) return;
  const box = document.querySelector(event.target.dataset.fills);
  if (box && (!box.value.trim() || box.dataset.filled === "yes")) { box.value = text; box.dataset.filled = "yes"; }
});
document.addEventListener("input", (event) => {
  if (event.target.dataset && event.target.dataset.filled) event.target.dataset.filled = "no";
});

// A page that comes without being loaded anew is where the keyboard goes on, and what does not arrive is said.
document.addEventListener("htmx:afterSettle", (event) => {
  const isPage = event.detail.target === document.body && document.activeElement === document.body;
  if (isPage) document.getElementById("main").focus({ preventScroll: true });
});
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.matches("[data-region]")) return;
  const notice = document.getElementById("unreached");
  notice.hidden = false;
  notice.scrollIntoView({ block: "nearest" });
});

// What one looks at is read again when the desk says that it changed; without a stream, every fifteen seconds.
let stream = null, heard = "", asking = 0;
const readAgain = () => htmx.trigger(document.body, "live");
const hush = () => { clearTimeout(asking); if (stream) stream.close(); stream = null; heard = ""; };
const listen = () => {
  const live = document.querySelector("[data-live]");
  const wanted = live ? live.dataset.live : "";
  if (wanted === heard) return;
  hush();
  if (!wanted) return;
  heard = wanted;
  const askAgain = () => { readAgain(); hush(); listen(); };
  if (!window.EventSource) { asking = setTimeout(askAgain, 15000); return; }
  stream = new EventSource(wanted);
  stream.onmessage = readAgain;
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) asking = setTimeout(askAgain, 15000); };
};
document.addEventListener("htmx:load", listen);
window.addEventListener("pagehide", hush);
window.addEventListener("pageshow", listen);

// Only what is news is put in its place, and never under somebody's hands.
document.addEventListener("htmx:beforeSwap", (event) => {
  const old = event.detail.target;
  if (!old.matches("[data-region]")) return;
  const reached = new URL(event.detail.xhr.responseURL || location.href).pathname;
  if (reached === "/sign-in") document.getElementById("signed-out").hidden = false;
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const fresh = page.getElementById(old.id);
  const isNews = fresh && fresh.textContent !== old.textContent;
  const isHeld = old.contains(document.activeElement) || old.querySelector("details[open]");
  if (isNews && isHeld) document.getElementById("changed").hidden = false;
  event.detail.shouldSwap = Boolean(isNews && !isHeld);
});
