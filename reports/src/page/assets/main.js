// Starts the page.

const all = [...document.querySelectorAll("[data-diagram]")].map((root) => new Diagram(root));

// Side by side, one is scrolled along with the other, as far as it reaches.
if (all.length === 2) {
  const views = all.map((diagram) => diagram.view);
  let leader;
  views.forEach((view, side) => {
    // Only the one that is being used leads: the other's scrolling is an echo.
    for (const use of ["pointerdown", "wheel", "keydown", "touchstart"]) {
      view.closest("[data-diagram]").addEventListener(use, () => { leader = side; }, { passive: true });
    }
    view.addEventListener("scroll", () => {
      if (leader === side) views[1 - side].scrollTop = view.scrollTop;
    });
  });
}

// Keys that no control takes are the diagram's. Those that scroll a page are not.
document.addEventListener("keydown", (event) => {
  if (event.target === document.body && /^[a-z+=0/-]$/.test(event.key) && all[0]?.key(event)) event.preventDefault();
});

document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    // Without leave to write it, the text is selected, and a key away.
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Press Ctrl-C";
  }
}));
// For those who wait for the page, such as its tests.
document.documentElement.dataset.ready = "true";
