import { chromium } from 'playwright-core';
const [,, ...files] = process.argv;
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu'] });
for (const file of files) {
const p = await b.newPage({ viewport: { width: 1400, height: 1000 } });
const t0 = Date.now();
await p.goto('file://' + file);
await p.waitForSelector('html[data-ready]');
const opened = Date.now() - t0;
const frames = await p.evaluate(async () => {
  const view = document.querySelector('.view'); const times = [];
  let last = performance.now();
  for (let i = 0; i < 200; i++) { view.scrollTop += 90; await new Promise(requestAnimationFrame); const now = performance.now(); times.push(now - last); last = now; }
  times.sort((a,b)=>a-b); return { median: times[100], p95: times[190], max: times[199], count: document.querySelector('.count').textContent };
});
const keys = await p.evaluate(async () => {
  const view = document.querySelector('.view'); const t = performance.now();
  for (let i=0;i<50;i++) view.dispatchEvent(new KeyboardEvent('keydown', {key:'ArrowDown'}));
  return (performance.now()-t)/50;
});
const filter = await p.evaluate(() => { const s = document.querySelector('[data-filter=kind]'); const t = performance.now(); s.selectedIndex = 1; s.dispatchEvent(new Event('input')); return performance.now()-t; });
console.log(file, { opened, frames, keys, filter });
}
await b.close();
