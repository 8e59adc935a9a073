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
