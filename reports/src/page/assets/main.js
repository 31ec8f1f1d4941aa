// Starts the page.

const all = [...document.querySelectorAll("[data-diagram]")].map((root) => new Diagram(root));

// Side by side, what is seen of one is seen of the other.
if (all.length === 2) {
  all.forEach((diagram, side) => {
    const other = all[1 - side];
    diagram.view.addEventListener("scroll", () => {
      if (Math.abs(other.view.scrollTop - diagram.view.scrollTop) > 1) {
        other.view.scrollTop = diagram.view.scrollTop;
      }
    });
  });
}

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
document.documentElement.dataset.ready = "true";
