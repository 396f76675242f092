
"use strict";
(() => {
  const words = document.getElementById("words"), shown = document.getElementById("shown");
  const buttons = [...document.querySelectorAll("button[data-verdict]")];
  const claims = [...document.querySelectorAll("li.claim")];
  document.documentElement.classList.add("live");
  const apply = () => {
    const wanted = new Set(buttons.filter(b => b.getAttribute("aria-pressed") === "true").map(b => b.dataset.verdict));
    const sought = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const claim of claims) {
      const fits = (!wanted.size || wanted.has(claim.dataset.verdict))
        && sought.every(word => claim.dataset.words.includes(word));
      claim.hidden = !fits;
      count += fits;
    }
    for (const group of document.querySelectorAll("article.block, section.file"))
      group.hidden = !group.querySelector("li.claim:not([hidden])");
    shown.textContent = count === claims.length ? "" : `${count} of ${claims.length}`;
  };
  for (const button of buttons) button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    apply();
  });
  words.addEventListener("input", apply);
  words.form.addEventListener("submit", event => event.preventDefault());
  apply();
})();
