// How long a cheap phone takes from a tap on the icon until Today stands and answers, without network.
import { test, type Page } from '@playwright/test';

import { fillOffice } from '../support/crowd.ts';
import { ready } from '../support/story.ts';
import { median, printFigures } from '../support/figure.ts';
import { Office } from '../support/office.ts';
import { Phone } from '../support/phone.ts';

const RUNS = 5;
const CASES = 1_000;
const SLOW = 6;

/** Milliseconds since the browser began to open the page. */
interface Start {
  /** Whatever the app draws first: skeleton rows or the log-in. */
  drawn: number;
  /** The first row of Today is on the screen. */
  row: number;
  /** The page behind that row is on the screen, after a tap. */
  answered: number;
  /** How much longer the same sum takes in this page than in one that is not slowed. */
  slowness: number;
}

test('start', async () => {
  const office = await Office.start();
  const stranger = await Phone.start(office);
  await stranger.open('/');
  await stranger.opened();
  await stranger.installed();
  await stranger.goOffline();
  const nobody = await starts(stranger, SLOW, opensLogIn);
  await stranger.put();

  const phone = await Phone.start(office);
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const few = await starts(phone, SLOW, opensToday);
  await phone.goOnline();
  await fillOffice(phone, CASES);
  await phone.goOffline();
  const quick = await starts(phone, 1, opensToday);
  const slow = await starts(phone, SLOW, opensToday);
  await phone.put();
  await office.stop();

  console.log(`start without network, new process, median of ${RUNS}, ms since the address was opened:`);
  console.log('                                   drawn  first row  tap answered  slowed');
  line(`nobody signed in, ${SLOW}× slower`, nobody);
  line(`the demo's cases, ${SLOW}× slower`, few);
  line(`${CASES} cases more, full speed`, quick);
  line(`${CASES} cases more, ${SLOW}× slower`, slow);
  const answered = middle(slow, 'answered');
  console.log(`answered, ${CASES} cases to the demo's: ${(answered / middle(few, 'answered')).toFixed(2)}`);
  console.log(`answered, slowed to full speed: ${(answered / middle(quick, 'answered')).toFixed(2)}`);
  printFigures({
    'start.offline_few_6x_ms': middle(few, 'answered'),
    'start.offline_1000_1x_ms': middle(quick, 'answered'),
    'start.offline_1000_6x_ms': answered,
  });
});

async function starts(phone: Phone, slow: number, open: (phone: Phone) => Promise<Start>): Promise<Start[]> {
  const all: Start[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    await phone.killRenderer();
    const usual = await sum(phone.page);
    await phone.page.addInitScript(watch);
    const session = await phone.context.newCDPSession(phone.page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: slow });
    const start = await open(phone);
    all.push({ ...start, slowness: (await sum(phone.page)) / usual });
    await session.detach();
  }
  return all;
}

async function opensToday(phone: Phone): Promise<Start> {
  const { page } = phone;
  await phone.open('/');
  const { drawn, row, place } = await noted(page, 'row');
  await page.touchscreen.tap(place.x, place.y);
  const { answered } = await noted(page, 'answered');
  return { drawn, row, answered, slowness: 0 };
}

/** The same app with nobody's cases to open: what the document, the service worker and the program itself cost. */
async function opensLogIn(phone: Phone): Promise<Start> {
  await phone.open('/');
  const { drawn } = await noted(phone.page, 'drawn');
  return { drawn, row: NaN, answered: NaN, slowness: 0 };
}

interface Noted {
  drawn: number;
  row: number;
  answered: number;
  /** The middle of the first row. */
  place: { x: number; y: number };
}

async function noted(page: Page, what: 'drawn' | 'row' | 'answered'): Promise<Noted> {
  const there = await page.waitForFunction((what) => {
    const { noted } = globalThis as unknown as { noted?: Partial<Noted> };
    return noted?.[what] === undefined ? undefined : noted;
  }, what, { polling: 20 });
  return (await there.jsonValue()) as Noted;
}

/** Runs in the page before anything else and notes when something has been painted for the first time. */
function watch(): void {
  const noted: Record<string, unknown> = {};
  Object.assign(globalThis, { noted });
  const begun = new Set<string>();
  const note = (what: string): void => {
    if (begun.has(what)) return;
    begun.add(what);
    requestAnimationFrame(() => {
      // The task after a frame runs when the frame has been painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { noted[what] = performance.now(); };
      port2.postMessage(null);
    });
  };
  new MutationObserver(() => {
    const main = document.querySelector('main');
    if (!main || document.querySelector('#shell')) return;
    note('drawn');
    const waits = main.querySelector('.skeleton') !== null;
    if (location.pathname === '/') {
      const row = main.querySelector('ul.rows:not(.skeleton) > li > a');
      if (!row) return;
      const { left, top, width, height } = row.getBoundingClientRect();
      noted.place = { x: left + width / 2, y: top + height / 2 };
      note('row');
    } else if (begun.has('row') && !waits && main.innerText.trim() !== '') {
      note('answered');
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
}

/** A sum that takes long enough to be measured. */
async function sum(page: Page): Promise<number> {
  return page.evaluate(() => {
    const begun = performance.now();
    for (let i = 0, x = 0; i < 2e8; i += 1) x = (x + i) % 7;
    return performance.now() - begun;
  });
}

function middle(starts: Start[], what: keyof Start): number {
  return median(starts.map((start) => start[what]));
}

function line(name: string, starts: Start[]): void {
  const ms = (what: keyof Start, width: number): string => {
    const value = middle(starts, what);
    return (Number.isNaN(value) ? '–' : String(Math.round(value))).padStart(width);
  };
  console.log(`  ${name.padEnd(30)} ${ms('drawn', 7)} ${ms('row', 10)} ${ms('answered', 13)} ${middle(starts, 'slowness').toFixed(1).padStart(7)}`);
}
