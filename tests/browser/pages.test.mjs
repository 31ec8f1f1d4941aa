// The page of a run: what it shows, how it is used, and what it never does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { barriers, folder, launch, open } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const view = (page) => page.locator(".view").first();
const selected = (page) => page.locator("[role=option][aria-selected=true]");
const shown = async (page) => page.locator("[role=option]").evaluateAll(
  (all) => all.map((one) => one.getAttribute("aria-label")));

async function isInView(page, locator) {
  const [outer, inner] = await Promise.all([view(page).boundingBox(), locator.boundingBox()]);
  return inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height;
}

for (const colorScheme of ["light", "dark"]) {
  for (const name of ["retry.html", "crash.html", "pair.html", "gallery/index.html", "sweep/index.html"]) {
    test(`${name} opens without a complaint or a barrier (${colorScheme})`, async () => {
      const { page, complaints } = await open(browser, name, { colorScheme });
      if (await page.locator(".view").count() > 0) {
        await view(page).press("Home");
        assert.equal(await selected(page).count(), 1);
      }
      assert.deepEqual(await barriers(page), []);
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }
}

test("dark mode is dark", async () => {
  const brightness = async (colorScheme) => {
    const { page } = await open(browser, "retry.html", { colorScheme });
    const colors = await page.evaluate(() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector(".view")).backgroundColor,
      getComputedStyle(document.querySelector(".view text.host")).fill,
    ]);
    await page.context().close();
    return colors.map((color) => Number(color.match(/\d+/)[0]));
  };
  const [light, dark] = [await brightness("light"), await brightness("dark")];
  assert.ok(light[0] > 200 && light[1] > 200 && light[2] < 80, `${light}`);
  assert.ok(dark[0] < 50 && dark[1] < 50 && dark[2] > 200, `${dark}`);
});

test("the violation is a key and a button away", async () => {
  const { page, complaints } = await open(browser, "retry.html", { viewport: { width: 1200, height: 500 } });
  for (const go of [
    () => page.getByRole("button", { name: "Go to the violation" }).click(),
    () => view(page).press("v"),
  ]) {
    await view(page).press("End");
    await go();
    assert.match(await selected(page).getAttribute("aria-label"), /server: delivered client-1#1 \(2x\)/);
    assert.ok(await isInView(page, selected(page)));
    const focused = await page.evaluate(() => document.activeElement.className);
    assert.equal(focused, "view");
  }
  assert.match(await page.locator(".details").textContent(), /executed2x/);
  assert.deepEqual(complaints, []);
});

test("a click on an arrow shows the datagram and all of its operation", async () => {
  const { page } = await open(browser, "retry.html");
  const lost = page.locator(".way", { hasText: "fault:lose-first-ack" });
  await lost.locator("path.reach").click({ force: true });
  const details = await page.locator(".details").textContent();
  assert.match(details, /Datagram 2: ack seq=1/);
  assert.match(details, /fromserver:10000toclient-1:49152kindackseq1length5 bytes/);
  assert.match(details, /dropped \(fault:lose-first-ack\) at 10\.000 ms/);
  assert.match(details, /Payload, as sent02 00 00 00 01/);
  assert.match(details, /Operation client-1#1executed2x/);
  // The first call's arrows stand out, those of the others do not.
  const faint = await page.locator(".way:not(.related)").count();
  assert.equal(await page.locator(".way.related").count(), 4);
  assert.equal(faint, 4);
  // What is listed there leads to its row.
  await page.locator(".details .related button", { hasText: "(2x)" }).click();
  assert.match(await selected(page).getAttribute("aria-label"), /\(2x\)/);
});

test("everything can be reached with keys alone", async () => {
  const { page } = await open(browser, "retry.html", { viewport: { width: 1200, height: 500 } });
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.matches(".view"))) break;
  }
  const label = () => selected(page).getAttribute("aria-label");
  const active = () => page.evaluate(() => {
    const id = document.activeElement.getAttribute("aria-activedescendant");
    return id && document.getElementById(id).getAttribute("aria-label");
  });
  await page.keyboard.press("ArrowDown");
  assert.match(await label(), /^0\.000 ms: client-1: invoked client-1#1$/);
  assert.equal(await active(), await label());
  await page.keyboard.press("ArrowDown");
  assert.match(await label(), /client-1 sends to server: data seq=1$/);
  await page.keyboard.press("n");
  assert.match(await label(), /data seq=1 from client-1 arrives at server/);
  await page.keyboard.press("p");
  await page.keyboard.press("ArrowUp");
  assert.match(await label(), /invoked client-1#1/);
  await page.keyboard.press("End");
  assert.match(await label(), /completed client-1#3/);
  assert.ok(await isInView(page, selected(page)));
  await page.keyboard.press("PageUp");
  assert.ok(await isInView(page, selected(page)));
  await page.keyboard.press("Home");
  assert.match(await label(), /invoked client-1#1/);
  const height = () => page.locator(".space").evaluate((space) => space.offsetHeight);
  const before = await height();
  await page.keyboard.press("+");
  assert.ok(await height() > before);
  await page.keyboard.press("0");
  assert.equal(await height(), before);
  await page.keyboard.press("Escape");
  assert.equal(await selected(page).count(), 0);
  assert.equal(await active(), null);
  await page.keyboard.press("/");
  await page.keyboard.type("client-1#2");
  assert.ok((await shown(page)).every((label) => !/client-1#[13]/.test(label)));
});

test("filters leave what they name", async () => {
  const { page } = await open(browser, "many.html", { viewport: { width: 1400, height: 4000 } });
  const filter = (name) => page.locator(`[data-filter=${name}]`);
  const count = () => page.locator("output.count").textContent();
  const all = await count();
  await filter("kind").selectOption("ack");
  let labels = await shown(page);
  assert.ok(labels.length > 5 && labels.every((label) => /ack seq=/.test(label)), labels[0]);
  assert.notEqual(await count(), all);
  await filter("kind").selectOption("dropped");
  labels = await shown(page);
  assert.ok(labels.length > 2 && labels.some((label) => /dropped/.test(label)));
  await filter("kind").selectOption("operations");
  labels = await shown(page);
  assert.ok(labels.every((label) => /(invoked|delivered|completed|unknown|failed) client/.test(label)));
  await filter("kind").selectOption("");
  await filter("host").selectOption("client-2");
  labels = await shown(page);
  assert.ok(labels.length > 5 && labels.every((label) => /client-2/.test(label)));
  await filter("host").selectOption("");
  await filter("op").fill("client-2#1");
  labels = await shown(page);
  assert.ok(labels.length > 3 && labels.every((label) => !/#(?!1\b)\d/.test(label)));
  // The violation is not hidden by a filter: going there clears it.
  await filter("op").fill("");
  assert.equal(await count(), all);
});

test("filters and zoom leave nothing wrong when the end is in view", async () => {
  const { page, complaints } = await open(browser, "many.html");
  await view(page).press("End");
  await page.locator("[data-filter=op]").fill("client-1#1");
  assert.ok((await shown(page)).length > 3);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await view(page).press("End");
  for (let presses = 0; presses < 8; presses += 1) await view(page).press("-");
  await page.locator("[data-filter=op]").fill("no such thing");
  assert.match(await page.locator("output.count").textContent(), /nothing matches/);
  assert.deepEqual(complaints, []);
});

test("with many hosts, what is selected is scrolled to, and idle hosts can be hidden", async () => {
  const { page } = await open(browser, "crowd.html");
  // Keys work before anything has the focus.
  await page.keyboard.press("v");
  assert.match(await selected(page).getAttribute("aria-label"), /server: delivered client-\d+#1 \(2x\)/);
  const [outer, text] = await Promise.all([view(page).boundingBox(), selected(page).locator("text").boundingBox()]);
  assert.ok(text.x >= outer.x && text.x + text.width <= outer.x + outer.width, JSON.stringify([outer, text]));
  const times = async () => (await page.locator(".view > .space .gutter text").first().boundingBox()).x - outer.x;
  assert.ok(await times() >= 0 && await times() < 100, "times stay in view");
  await page.keyboard.press("p");
  assert.ok(await times() >= 0 && await times() < 100, "also when something else is selected");
  await page.locator("[data-filter=host]").selectOption("client-20");
  const hosts = await page.locator(".view text.host").allTextContents();
  assert.deepEqual(hosts, ["client-20", "server"]);
});

test("a filter may hide what is selected and show more than before", async () => {
  const { page, complaints } = await open(browser, "crowd.html", { viewport: { width: 1400, height: 4000 } });
  await page.locator("[data-filter=op]").fill("client-3#1");
  await view(page).press("Home");
  const few = (await shown(page)).length;
  await page.locator("[data-filter=op]").fill("client-2");
  const labels = await shown(page);
  assert.ok(labels.length > few && labels.every((label) => /client-2/.test(label)), `${few}, ${labels.length}`);
  assert.equal(await selected(page).count(), 0);
  assert.deepEqual(complaints, []);
});

test("a selection that a filter hides comes back", async () => {
  const { page } = await open(browser, "retry.html");
  await page.locator("[data-filter=op]").fill("client-1#3");
  await page.getByRole("button", { name: "Go to the violation" }).click();
  assert.match(await selected(page).getAttribute("aria-label"), /\(2x\)/);
  assert.equal(await page.locator("[data-filter=op]").inputValue(), "");
});

test("bands show partitions, crashes and new incarnations", async () => {
  const { page } = await open(browser, "crash.html");
  await page.setViewportSize({ width: 1400, height: 2400 });
  assert.equal(await page.locator(".band.down").count(), 1);
  assert.equal(await page.locator(".band.incarnation title").textContent(), "server, incarnation 2");
  const partition = await open(browser, "partition.html", { viewport: { width: 1400, height: 4000 } });
  assert.match(await partition.page.locator(".band.fault title").first().textContent(), /^partition: /);
});

test("the diagram is zoomed by the wheel and dragged about", async () => {
  const { page } = await open(browser, "many.html");
  const box = await view(page).boundingBox();
  await page.mouse.move(box.x + 600, box.y + 300);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  await page.waitForFunction(() => document.querySelector("[data-do=reset]").textContent !== "100%");
  // From something that a click would select.
  const event = await page.locator(".row text.event").nth(8).boundingBox();
  await page.mouse.move(event.x + 5, event.y + 5);
  await page.mouse.down();
  await page.mouse.move(event.x + 5, event.y - 195, { steps: 5 });
  await page.mouse.up();
  assert.ok(await view(page).evaluate((one) => one.scrollTop) >= 150);
  assert.equal(await selected(page).count(), 0, "a drag selects nothing");
});

test("the replay line can be copied", async () => {
  const { page } = await open(browser, "retry.html", { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /^squall run .*lost_ack_retry\.toml --seed 1$/);
});

test("a time is the same wherever it stands", async () => {
  const { page } = await open(browser, "odd-times.html");
  await view(page).press("End");
  const label = await selected(page).getAttribute("aria-label");
  const time = label.match(/^([\d.]+) ms/)[1];
  const about = await page.locator("header .about").textContent();
  assert.ok(about.includes(`${time} ms simulated`), `${time} is not in ${about}`);
});

test("rows stand where the pictures have them", async () => {
  const { page } = await open(browser, "many.html", { viewport: { width: 1400, height: 9000 } });
  const dots = (root) => page.locator(`${root} circle.dot`).evaluateAll(
    (all) => all.map((one) => Number(one.getAttribute("cy"))));
  const drawn = await dots(".view");
  await page.evaluate(async (svg) => { document.body.innerHTML = svg; }, await readFile(join(folder, "many.svg"), "utf8"));
  const [pictured, start] = [await dots("svg"), (await dots("svg"))[0] - drawn[0]];
  assert.ok(drawn.length > 20);
  assert.deepEqual(drawn, pictured.map((y) => y - start).slice(0, drawn.length));
});

test("what is selected can be seen, also where an arrow ends", async () => {
  const { page } = await open(browser, "retry.html");
  for (const key of ["Home", "ArrowDown", "ArrowDown"]) await view(page).press(key);
  assert.match(await selected(page).getAttribute("aria-label"), /arrives at server/);
  const stroke = await selected(page).locator(".reach").evaluate((one) => getComputedStyle(one).stroke);
  assert.notEqual(stroke, "rgba(0, 0, 0, 0)");
  assert.notEqual(stroke, "transparent");
});

test("two traces of unequal length scroll as far as each reaches", async () => {
  const { page } = await open(browser, "unequal.html", { viewport: { width: 1400, height: 700 } });
  const long = page.locator(".view").nth(1);
  await long.press("End");
  assert.match(await selected(page).getAttribute("aria-label"), /ms: /);
  await page.waitForTimeout(200);
  const [outer, inner] = await Promise.all([long.boundingBox(), selected(page).boundingBox()]);
  assert.ok(inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height, "it stays in view");
});

test("two traces are marked where they part, and scroll together", async () => {
  const { page } = await open(browser, "pair.html");
  await page.getByRole("button", { name: "Go to the difference" }).first().click();
  assert.equal(await page.locator("rect.difference").count(), 2);
  const tops = () => page.locator(".view").evaluateAll((all) => all.map((one) => one.scrollTop));
  await page.locator(".view").first().hover();
  await page.mouse.wheel(0, 120 - (await tops())[0]);
  await page.waitForFunction(() => [...document.querySelectorAll(".view")].every((one) => one.scrollTop === 120));
  assert.deepEqual(await tops(), [120, 120]);
});

test("nothing that a scenario or a protocol says is taken for markup", async () => {
  for (const name of ["hostile.html", "hostile-pair.html", "hostile-gallery/index.html"]) {
    const { page, complaints } = await open(browser, name);
    if (await page.locator(".view").count() > 0) {
      for (let presses = 0; presses < 12; presses += 1) await view(page).press("ArrowDown");
    }
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined, name);
    assert.equal(await page.locator("img, iframe, b.evil, a[href^='javascript']").count(), 0, name);
    assert.match(await page.locator("h1, h3").first().textContent(), /<script>hacked=1<\/script>|scenarios/);
    assert.deepEqual(complaints, [], name);
    await page.context().close();
  }
});

test("the gallery finds scenarios and leads to their pages", async () => {
  const { page } = await open(browser, "gallery/index.html");
  const cards = page.locator(".card:visible");
  const all = await cards.count();
  await page.getByRole("searchbox", { name: "Search" }).fill("Retry twice");
  const found = await cards.count();
  assert.ok(found > 0 && found < all, `${found} of ${all}`);
  assert.match(await cards.first().textContent(), /retry/i);
  await page.getByRole("searchbox", { name: "Search" }).fill("retransmission");
  assert.equal(await cards.count(), 0, "what stands in a picture alone is not searched");
  await page.getByRole("searchbox", { name: "Search" }).fill("no such thing");
  assert.equal(await cards.count(), 0);
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await cards.first().getByRole("link").click();
  await page.locator("html[data-ready]").waitFor();
  assert.ok(await page.locator("[role=option]").count() > 0);
});

test("a hundred thousand events open, and only those in view are drawn", async () => {
  const { page, complaints } = await open(browser, "huge.html");
  await page.locator("html[data-ready]").waitFor();
  const events = Number((await page.locator("output.count").textContent()).match(/\d+/)[0]);
  assert.ok(events >= 90_000, `${events}`);
  await view(page).press("End");
  assert.equal(await selected(page).count(), 1);
  assert.ok(await isInView(page, selected(page)));
  const drawn = await page.locator(".view svg *").count();
  assert.ok(drawn > 50 && drawn < 3000, `${drawn}`);
  assert.deepEqual(complaints, []);
});

test("arrows over much of a page are drawn, and do not take its memory", async () => {
  const { page } = await open(browser, "window.html");
  await view(page).press("Home");
  const first = await page.locator(".way").count();
  await view(page).evaluate((one) => { one.scrollTop = one.scrollHeight / 2; });
  await page.waitForFunction((before) => document.querySelectorAll(".way").length > before, first);
  const crossing = await page.locator(".way").count();
  assert.ok(crossing > 200 && crossing <= 3500, `${crossing}`);
});

test("a page fits a narrow screen", async () => {
  for (const name of ["retry.html", "gallery/index.html", "sweep/index.html"]) {
    const { page } = await open(browser, name, { viewport: { width: 420, height: 800 } });
    const [content, width] = await page.evaluate(
      () => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= width, `${name}: ${content} > ${width}`);
    await page.context().close();
  }
});
