"use strict";
// what follows the pointer, the focus and the arrow keys in what is shown of a visit, within some part of a page
const follow = (root) => {
  const all = (selector, within = root) => Array.from(within.querySelectorAll(selector));
  const keysOf = (line) => (line.dataset.keys || "").split(" ").filter(Boolean);
  const rows = all(".row");
  const lines = all(".line");

  // the bars that carry the lines that are open; those of the line under the pointer or the focus, too
  const light = (pointed) => {
    const shown = lines.filter((line) => line.open).concat(pointed || []);
    const keys = new Set(shown.flatMap(keysOf));
    document.body.classList.toggle("has-lit", keys.size > 0);
    rows.forEach((row) => row.classList.toggle("lit", keys.has(row.dataset.key)));
  };
  lines.forEach((line) => {
    const summary = line.querySelector("summary");
    line.addEventListener("toggle", () => light());
    ["mouseenter", "focus"].forEach((name) => summary.addEventListener(name, () => light([line])));
    ["mouseleave", "blur"].forEach((name) => summary.addEventListener(name, () => light()));
  });
  light();

  // the lines that a bar carries
  const point = (row, on) => lines.forEach((line) =>
    line.classList.toggle("pointed", on && keysOf(line).includes(row.dataset.key)));
  rows.forEach((row) => {
    row.addEventListener("mouseenter", () => point(row, true));
    row.addEventListener("mouseleave", () => point(row, false));
    row.addEventListener("focusin", () => point(row, true));
    row.addEventListener("focusout", () => point(row, false));
  });

  all("button.all").forEach((button) => button.addEventListener("click", () => {
    const steps = all(".step", button.closest(".body"));
    const open = steps.some((step) => !step.open);
    steps.forEach((step) => { step.open = open; });
    button.textContent = open ? "Close every step" : "Open every step";
  }));

  all('a[href^="#"]').forEach((link) => link.addEventListener("click", () => {
    if (link.hash === location.hash) reveal();
  }));

  // arrows go from line to line
  const stops = all(".row > summary, .line > summary");
  stops.forEach((stop) => stop.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    const visible = stops.filter((it) => it.getClientRects().length);
    const next = visible[visible.indexOf(stop) + way];
    if (next) { next.focus(); event.preventDefault(); }
  }));
};

// what is pointed to may be folded away
const reveal = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let it = target; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
  target.scrollIntoView({ block: "center" });
  const summary = target.querySelector("summary");
  if (summary) summary.focus({ preventScroll: true });
};
addEventListener("hashchange", reveal);

// on paper nothing is folded away
let folded = [];
addEventListener("beforeprint", () => {
  folded = Array.from(document.querySelectorAll("details:not([open])")).filter((it) => !it.classList.contains("row"));
  folded.forEach((it) => { it.open = true; });
});
addEventListener("afterprint", () => { folded.forEach((it) => { it.open = false; }); folded = []; });
