"""What the page does: draw the figures, switch the language, sort and search tables."""

SCRIPT = """
"use strict";
(function () {
  const page = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const REMEMBERED = "battrace.language";

  function remembered() {
    const asked = /[#&]lang=(en|zh)/.exec(location.hash);
    if (asked) return asked[1];
    try { return localStorage.getItem(REMEMBERED) === "zh" ? "zh" : "en"; } catch (refused) { return "en"; }
  }

  async function draw(lang) {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = figures[place.dataset.figure];
      const spec = Object.assign({}, figure.specs[lang], { datasets: structuredClone(figure.datasets) });
      try {
        await vegaEmbed(place, spec, { actions: false, renderer: "svg", mode: "vega-lite" });
      } catch (problem) {
        place.textContent = String(problem);
        place.classList.add("nothing");
      }
      if (page.dataset.lang !== lang) return;
    }
    page.dataset.drawn = lang;
  }

  function speak(lang) {
    page.dataset.lang = lang;
    page.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = document.querySelector("h1 [lang=" + lang + "]").textContent + " – battrace";
    for (const box of document.querySelectorAll("[data-hint-en]")) {
      box.placeholder = box.dataset[lang === "zh" ? "hintZh" : "hintEn"];
    }
    return draw(lang);
  }

  document.getElementById("language").addEventListener("click", function () {
    const other = page.dataset.lang === "zh" ? "en" : "zh";
    try { localStorage.setItem(REMEMBERED, other); } catch (refused) { /* then it forgets */ }
    speak(other);
  });

  function worth(row, column) {
    const cell = row.cells[column];
    const value = cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value;
    return value !== "" && !isNaN(Number(value)) ? Number(value) : value;
  }

  function before(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }

  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", function () {
      const head = button.closest("th"), body = head.closest("table").tBodies[0];
      const falling = head.getAttribute("aria-sort") === "ascending"
        || (!head.hasAttribute("aria-sort") && head.classList.contains("number"));
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = Array.from(body.rows);
      rows.sort((x, y) => (falling ? -1 : 1) * before(worth(x, head.cellIndex), worth(y, head.cellIndex)));
      body.append(...rows);
    });
  }

  const search = document.getElementById("search"), only = document.getElementById("only-assumed");
  function filter() {
    const sought = search.value.trim().toLowerCase();
    for (const row of document.getElementById("parameters").tBodies[0].rows) {
      row.hidden = (only.checked && row.dataset.assumed !== "1")
        || !row.textContent.toLowerCase().includes(sought);
    }
  }
  if (search) { search.addEventListener("input", filter); only.addEventListener("change", filter); }

  speak(remembered());
})();
"""
