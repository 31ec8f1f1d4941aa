// Drags a view about with the mouse.

// How far a hand may tremble in a click, pixels.
const TREMBLE = 6;

// Gives a function that says whether the last click was the end of a drag.
function listenToDrags(view) {
  let [from, dragged] = [undefined, false];
  view.addEventListener("pointerdown", ({ button, pointerType, clientX, clientY }) => {
    dragged = false;
    // A finger scrolls by itself.
    if (button === 0 && pointerType === "mouse") {
      from = { clientX, clientY, x: clientX + view.scrollLeft, y: clientY + view.scrollTop };
    }
  });
  view.addEventListener("pointermove", ({ buttons, clientX, clientY }) => {
    if (from === undefined || buttons !== 1) { from = undefined; return; }
    if (Math.hypot(clientX - from.clientX, clientY - from.clientY) > TREMBLE) dragged = true;
    if (dragged) view.scrollTo(from.x - clientX, from.y - clientY);
  });
  view.addEventListener("pointerup", () => { from = undefined; });
  return () => dragged;
}
