// Takes the pictures of docs/images: node screenshots.mjs PAGES IMAGES, where PAGES is what
// `squall run ... --report PAGES` wrote for the scenarios below.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [, , pages, images] = process.argv;

// Page, picture, colours, and which keys to press first.
const wanted = [
  ["scenarios-ladder-lost_ack_retry.html", "lost_ack_retry.png", "light", ["v"]],
  ["scenarios-rpc-crashes-cache_lost.html", "cache_lost.png", "dark", ["v"]],
  ["scenarios-partitions-one_way_partition_retry.html", "one_way_partition_retry.png", "light", []],
];

const browser = await launch();
for (const [page, picture, colorScheme, keys] of wanted) {
  const tab = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme });
  await tab.goto(pathToFileURL(join(pages, page)).href);
  await tab.locator("html[data-ready]").waitFor();
  for (const key of keys) await tab.locator(".view").press(key);
  await tab.screenshot({ path: join(images, picture) });
}
await browser.close();
