"use strict";
(() => {
  const cards = document.getElementById("cards");
  const box = document.getElementById("lightbox");

  if (cards) {
    const all = [...cards.children];
    const filter = document.getElementById("filter");
    const order = document.getElementById("order");
    const found = document.getElementById("found");
    document.querySelector(".tools").hidden = false;

    const show = () => {
      const wanted = filter.value.trim().toLowerCase().split(/\s+/);
      for (const card of all) card.hidden = !wanted.every((word) => card.dataset.find.includes(word));
      const shown = all.filter((card) => !card.hidden).length;
      found.textContent = filter.value.trim()
        ? found.dataset.of.replace("{shown}", shown).replace("{all}", all.length) : "";
    };
    const sort = () => {
      const key = order.value;
      const down = key === "order" ? 1 : -1;
      all.sort((a, b) => down * (a.dataset[key] - b.dataset[key]) || a.dataset.order - b.dataset.order);
      cards.append(...all);
    };
    filter.addEventListener("input", show);
    order.addEventListener("change", sort);
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        event.preventDefault();
        filter.focus();
        filter.scrollIntoView({ block: "center" });
      }
      if (event.key === "Escape" && event.target === filter) {
        filter.value = "";
        show();
        filter.blur();
      }
    });
  }

  const looks = [...document.querySelectorAll("button.look")];
  let at = 0;
  const enlarge = (index) => {
    const visible = looks.filter((look) => look.offsetParent !== null);
    if (!visible.length) return;
    at = (index + visible.length) % visible.length;
    const image = visible[at].querySelector("img");
    box.querySelector("img").src = image.src;
    box.querySelector("img").alt = image.alt;
    box.querySelector("p").textContent = image.alt;
    if (!box.open) box.showModal();
  };
  for (const look of looks) {
    look.addEventListener("click", () => enlarge(looks.filter((other) => other.offsetParent !== null).indexOf(look)));
  }
  box.querySelector("button").addEventListener("click", () => box.close());
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") enlarge(at + 1);
    if (event.key === "ArrowLeft") enlarge(at - 1);
  });

  const map = document.querySelector("svg.map");
  if (map) {
    const light = (anchor) => {
      map.classList.toggle("one", Boolean(anchor));
      for (const part of map.querySelectorAll("[data-animal]")) {
        part.classList.toggle("lit", part.getAttribute("data-animal") === anchor);
      }
    };
    for (const part of map.querySelectorAll("[data-animal]")) {
      const anchor = part.getAttribute("data-animal");
      part.addEventListener("mouseenter", () => light(anchor));
      part.addEventListener("mouseleave", () => light(""));
      part.addEventListener("focusin", () => light(anchor));
      part.addEventListener("focusout", () => light(""));
    }
  }
})();
