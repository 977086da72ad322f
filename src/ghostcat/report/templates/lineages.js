"use strict";
(() => {
  const drawing = document.querySelector("svg.pedigree");
  if (!drawing) return;
  const animals = [...drawing.querySelectorAll(".one")];
  const lines = [...drawing.querySelectorAll("[data-from]")];
  const given = animals.filter((one) => one.classList.contains("lit"));
  const givenLines = lines.filter((line) => line.classList.contains("lit"));
  const parents = animals.map((one) => [one.dataset.dam, one.dataset.sire].filter(Boolean).map(Number));
  const young = animals.map(() => []);
  parents.forEach((pair, k) => pair.forEach((p) => young[p].push(k)));

  const reach = (start, next) => {
    const seen = new Set([start]);
    const todo = [start];
    while (todo.length) for (const k of next[todo.pop()]) if (!seen.has(k)) { seen.add(k); todo.push(k); }
    return seen;
  };
  const light = (k) => {
    const up = k === null ? new Set() : reach(k, parents);
    const down = k === null ? new Set() : reach(k, young);
    const on = (i) => up.has(i) || down.has(i);
    const along = (line) => {
      const from = line.dataset.from.split(" ").filter(Boolean).map(Number);
      const to = line.dataset.to.split(" ").filter(Boolean).map(Number);
      return from.some((a) => to.some((b) => (up.has(a) && up.has(b)) || (down.has(a) && down.has(b))));
    };
    animals.forEach((one, i) => one.classList.toggle("lit", k === null ? given.includes(one) : on(i)));
    lines.forEach((line) => line.classList.toggle("lit", k === null ? givenLines.includes(line) : along(line)));
    drawing.classList.toggle("line", k !== null || given.length > 0);
  };
  animals.forEach((one, k) => {
    one.setAttribute("tabindex", "0");
    one.addEventListener("mouseenter", () => light(k));
    one.addEventListener("mouseleave", () => light(null));
    one.addEventListener("focus", () => light(k));
    one.addEventListener("blur", () => light(null));
  });
})();
