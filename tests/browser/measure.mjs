// How a page feels: node measure.mjs PAGE... prints milliseconds. No test, since machines differ.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

// Frames while a wheel turns.
async function scrolling() {
  const view = document.querySelector(".view");
  const times = [];
  for (let last = performance.now(); times.length < 200;) {
    view.scrollTop += 90;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  times.sort((a, b) => a - b);
  return { median: times[100], p95: times[190], worst: times[199] };
}

function keys() {
  const view = document.querySelector(".view");
  const start = performance.now();
  for (let presses = 0; presses < 50; presses += 1) {
    view.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
  }
  return (performance.now() - start) / 50;
}

function filter() {
  const control = document.querySelector("[data-filter=kind]");
  const start = performance.now();
  control.selectedIndex = 1;
  control.dispatchEvent(new Event("input"));
  return performance.now() - start;
}

const browser = await launch();
for (const path of process.argv.slice(2)) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const start = Date.now();
  await page.goto(pathToFileURL(resolve(path)).href);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  const opened = Date.now() - start;
  const rows = await page.locator("output.count").first().textContent();
  const figures = {
    opened, frame: await page.evaluate(scrolling), key: await page.evaluate(keys), filter: await page.evaluate(filter),
  };
  console.log(`${path}: ${rows}`, figures);
  await page.close();
}
await browser.close();
