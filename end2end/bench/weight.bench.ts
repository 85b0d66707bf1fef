// What the first visit and each later one cost, counted on the wire between the browser and the office.
import { test } from '@playwright/test';

import { median, printFigures } from '../support/figure.ts';
import { Office } from '../support/office.ts';
import { Phone } from '../support/phone.ts';

const RUNS = 3;

interface Weight {
  firstLoad: number;
  firstVisit: number;
  repeatLoad: number;
  check: number;
}

test('weight', async () => {
  const office = await Office.start();
  const weights: Weight[] = [];
  let parts: [string, number][] = [];
  for (let run = 0; run < RUNS; run += 1) {
    // Without a service worker: what the app needs until it is there.
    const loading = await Phone.start(office, { serviceWorkers: 'block' });
    await loading.open('/');
    await loading.opened();
    await loading.page.waitForLoadState('networkidle');
    const firstLoad = bytes(loading);
    parts = loading.network.exchanges.filter(isLoad).map(({ path, answerBytes }) => [path, answerBytes]);
    await loading.put();

    const visiting = await Phone.start(office);
    await visiting.open('/');
    await visiting.opened();
    await visiting.installed();
    await visiting.page.waitForLoadState('networkidle');
    const firstVisit = bytes(visiting);

    visiting.network.exchanges.length = 0;
    await visiting.reload();
    await visiting.opened();
    await visiting.page.waitForLoadState('networkidle');
    // The browser looks for a newer service worker some time after the page has loaded.
    await visiting.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    const isCheck = ({ path }: { path: string }) => path === '/sw.js';
    weights.push({
      firstLoad,
      firstVisit,
      repeatLoad: sum(visiting.network.exchanges.filter((exchange) => isLoad(exchange) && !isCheck(exchange))),
      check: sum(visiting.network.exchanges.filter(isCheck)),
    });
    await visiting.put();
  }
  await office.stop();

  console.log('first load, bytes on the wire with heads:');
  for (const [path, size] of parts) console.log(`  ${String(size).padStart(8)}  ${path}`);
  const firstLoad = median(weights.map((weight) => weight.firstLoad));
  const firstVisit = median(weights.map((weight) => weight.firstVisit));
  console.log(`first visit / first load: ${(firstVisit / firstLoad).toFixed(3)}`);
  console.log(`check of /sw.js at a later visit: ${median(weights.map((weight) => weight.check))} bytes`);
  printFigures({
    'weight.first_load_brotli_kb': firstLoad / 1000,
    'weight.first_visit_kb': firstVisit / 1000,
    'weight.repeat_load_bytes': median(weights.map((weight) => weight.repeatLoad)),
  });
});

function bytes(phone: Phone): number {
  return sum(phone.network.exchanges.filter(isLoad));
}

/** What the app asks the office once it runs (who is signed in, what is new) is work, not loading. */
function isLoad({ path }: { path: string }): boolean {
  return !path.startsWith('/api/');
}

function sum(exchanges: { answerBytes: number }[]): number {
  return exchanges.reduce((total, { answerBytes }) => total + answerBytes, 0);
}
