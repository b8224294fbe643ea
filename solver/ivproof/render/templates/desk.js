(() => {
  const form = document.getElementById("chart-form");
  // what was opened below stays open when it comes anew, and keeps the focus
  const headOf = (fold) => fold.querySelector("summary").textContent;
  let opened = [], within = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "visit") return;
    opened = Array.from(event.target.querySelectorAll(".ask-further[open]"), headOf);
    const fold = document.activeElement.closest("#visit .ask-further");
    within = fold && headOf(fold);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "visit") { follow(event.target); old(false); }
    if (event.target.id === "now") mark();
    if (event.target.id === "editor" && form) form.dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "visit") return;
    event.target.querySelectorAll(".ask-further").forEach((fold) => {
      if (opened.includes(headOf(fold))) fold.open = true;
      if (within === headOf(fold)) fold.querySelector("summary").focus({ preventScroll: true });
    });
  });
  // what stands below is of the chart as it was, until it comes anew
  const old = (is) => {
    const visit = document.getElementById("visit");
    if (!visit) return;
    visit.classList.toggle("old", is);
    visit.setAttribute("aria-busy", String(is));
  };
  ["htmx:sendError", "htmx:responseError"].forEach((name) => document.addEventListener(name, () => {
    const now = document.getElementById("now") || document.querySelector(".counts");
    if (now) now.textContent = "The service does not answer. What you typed is here still; has it ended?";
  }));
  // arrows go from chart to chart
  document.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way || !event.target.matches("table.queue a")) return;
    const links = Array.from(document.querySelectorAll("table.queue a"));
    const next = links[links.indexOf(event.target) + way];
    if (next) { next.focus(); event.preventDefault(); }
  });
  if (!form) return;

  const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
  const rowsOf = (kind) => Array.from(document.querySelectorAll(`#rows-${kind} tbody tr`));
  const said = (row) => Array.from(row.querySelectorAll("[data-field]"))
    .some((it) => it.value.trim() && it.dataset.field !== "route") || row.querySelector("[name$='.of']").value;
  const givenRow = (n) => rowsOf("given").filter(said)[n];
  const fieldOf = (place) => {
    const at = /^(administrations|access_sites)\[(\d+)\](?:\.(\w+))?/.exec(place);
    if (!at) return form.querySelector(`[name="visit.${place.replace(/\[.*$/, "")}"]`);
    const row = rowsOf(at[1] === "administrations" ? "given" : "site").filter(said)[at[2]];
    return row && row.querySelector(`[data-field="${at[3] || "drug"}"]`);
  };

  // what is wrong is marked at its field
  const mark = () => {
    form.querySelectorAll("[aria-invalid]").forEach((it) => {
      it.removeAttribute("aria-invalid"); it.removeAttribute("aria-describedby");
    });
    document.querySelectorAll("#now [data-place]").forEach((it, n) => {
      const field = fieldOf(it.dataset.place);
      if (!field) return;
      it.id = `wrong-${n}`;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", it.id);
    });
    // where no claim follows, nothing stands below
    if (!document.querySelector("#now [hx-post]")) { document.getElementById("visit").replaceChildren(); old(false); }
  };

  // rows
  let count = 1000; // more than the rows that a page begins with
  const add = (kind) => {
    const body = document.querySelector(`#rows-${kind} tbody`);
    const row = document.getElementById(`new-${kind}`).content.querySelector("tr").cloneNode(true);
    count += 1;
    row.querySelectorAll("[name]").forEach((it) => { it.name = it.name.replace(".N.", `.${count}.`); });
    const last = rowsOf(kind).pop();
    if (kind === "given" && last) {
      // the next drug is most often given at the same site
      const before = last.querySelector('[data-field="site"]'), own = row.querySelector('[data-field="site"]');
      if (before && own && Array.from(own.options || []).some((it) => it.value === before.value)) own.dataset.site = before.value;
    }
    body.append(row);
    row.querySelector("[data-field]").focus();
    return row;
  };
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("add-row")) add(button.dataset.kind);
    if (button.classList.contains("remove-row")) {
      const row = button.closest("tr"), next = row.nextElementSibling || row.previousElementSibling;
      const table = row.closest("table");
      row.remove();
      (next ? next.querySelector("[data-field]") : table.parentNode.querySelector(`.add-row[data-kind="${row.dataset.kind}"]`)).focus();
      changed(form);
    }
  });
  document.body.addEventListener("settled", () => old(true));
  form.addEventListener("input", (event) => {
    old(true);
    // a drug in a new row: at the site of the row before
    const row = event.target.closest && event.target.closest("tr");
    const site = row && row.querySelector('[data-site]');
    if (site && event.target.dataset.field === "drug") { site.value = site.dataset.site; delete site.dataset.site; }
  });

  // times: arrows move them by a minute, with Shift by fifteen; Enter goes to the row below
  const moved = (text, minutes) => {
    const at = /^(.*?)(\d\d):(\d\d)(.*)$/.exec(text.trim());
    if (!at) return null;
    const clock = !at[1];
    let sum = 60 * Number(at[2]) + Number(at[3]) + minutes;
    if (clock) sum = (sum + 1440) % 1440;
    else if (sum < 0 || sum > 1439) return null; // another day has another date
    return `${at[1]}${String(Math.floor(sum / 60)).padStart(2, "0")}:${String(sum % 60).padStart(2, "0")}${at[4]}`;
  };
  form.addEventListener("keydown", (event) => {
    const field = event.target;
    if (field.matches("input.time") && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      const by = (event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 15 : 1);
      const other = field.closest("tr").querySelector('[data-field="start"]');
      const to = moved(field.value || (other && other.value) || "", by);
      if (to) { field.value = to; changed(field); }
      event.preventDefault();
    }
    if (event.key === "Enter" && field.matches("input, select") && field.type !== "hidden") {
      event.preventDefault(); // a form is not sent by a slip
      const row = field.closest("tr[data-kind]");
      if (!row) return;
      const below = row.nextElementSibling;
      if (below) below.querySelector(`[data-field="${field.dataset.field}"]`).focus();
      else if (said(row)) add(row.dataset.kind);
    }
  });

  // the end of a bar is dragged: the time in the form moves with it
  const NEAR = 9;
  const minutesOf = (text) => {
    const at = /(\d\d):(\d\d)/.exec(text || "");
    return at ? 60 * Number(at[1]) + Number(at[2]) : null;
  };
  const grip = (event) => {
    const track = event.target.closest && event.target.closest(".track");
    const shown = track && track.closest(".row[data-key]");
    const row = shown && givenRow(Number(shown.dataset.key.slice(1)) - 1);
    if (!row) return null;
    const bars = Array.from(track.querySelectorAll("rect.bar:not(.b-open)"));
    if (!bars.length) return null;
    const [start, stop] = ["start", "stop"].map((name) => row.querySelector(`[data-field="${name}"]`));
    const [from, to] = [minutesOf(start.value), minutesOf(stop.value)];
    const left = bars[0].getBoundingClientRect().left, right = bars[bars.length - 1].getBoundingClientRect().right;
    if (from === null || to === null || right - left < 4) return null;
    const length = (to - from + 1440) % 1440 || 1440;
    const field = Math.abs(event.clientX - right) <= NEAR ? stop : Math.abs(event.clientX - left) <= NEAR ? start : null;
    return field && { field, bar: field === stop ? bars[bars.length - 1] : bars[0], stop: field === stop,
      scale: length / (right - left), x: event.clientX, text: field.value, width: track.getBoundingClientRect().width };
  };
  const told = document.getElementById("dragged");
  let drag = null;
  document.addEventListener("pointermove", (event) => {
    if (!drag) {
      document.body.classList.toggle("grip", event.pointerType === "mouse" && Boolean(grip(event)));
      return;
    }
    const by = Math.round((event.clientX - drag.x) * drag.scale);
    const to = moved(drag.text, by);
    if (!to || to === drag.field.value) return;
    drag.field.value = to;
    drag.moved = true;
    const share = by / drag.scale / drag.width * 100;
    const [x, width] = drag.was;
    if (drag.stop) drag.bar.setAttribute("width", `${Math.max(0.2, width + share)}%`);
    else { drag.bar.setAttribute("x", `${x + share}%`); drag.bar.setAttribute("width", `${Math.max(0.2, width - share)}%`); }
    told.hidden = false;
    told.textContent = to;
    told.style.left = `${event.clientX + 12}px`;
    told.style.top = `${event.clientY + 12}px`;
    changed(drag.field);
  });
  document.addEventListener("pointerdown", (event) => {
    drag = event.button === 0 ? grip(event) : null;
    if (!drag) return;
    drag.was = ["x", "width"].map((name) => parseFloat(drag.bar.getAttribute(name)));
    event.preventDefault();
  });
  document.addEventListener("pointerup", () => {
    if (!drag) return;
    told.hidden = true;
    // the click that ends it opens nothing
    addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); }, { capture: true, once: true });
    setTimeout(() => { drag = null; }, 0);
  });
})();
