// Shows the cards that are searched for.

const [search, verdict] = ["search", "verdict"].map((id) => document.getElementById(id));
const text = (card) => [...card.querySelectorAll("h3, p")].map((part) => part.textContent).join(" ");
const cards = [...document.querySelectorAll(".card")].map((card) => [card, text(card).toLowerCase()]);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const [card, text] of cards) {
    const isWanted = words.every((word) => text.includes(word));
    card.hidden = !isWanted || (verdict.value !== "" && card.dataset.verdict !== verdict.value);
    shown += card.hidden ? 0 : 1;
  }
  for (const folder of document.querySelectorAll(".folder")) {
    folder.hidden = folder.querySelector(".card:not([hidden])") === null;
  }
  const none = shown === 0 ? ": nothing matches" : "";
  document.querySelector(".count").textContent = `${shown} of ${cards.length}${none}`;
}

[search, verdict].forEach((control) => control.addEventListener("input", filter));
filter();
document.documentElement.dataset.ready = "true";
