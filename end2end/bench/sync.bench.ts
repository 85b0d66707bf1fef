// What a sync costs a phone, ours beside systems that people use: PouchDB with a CouchDB, RxDB on Dexie, and rows of
// IndexedDB with nothing around them. All in one run, each time in a new browser with an empty profile on the disk.
//
// Ours is the app's own notebook, sealed, and its own sync, without screens (`app/examples/phone_bench.rs`). The office's
// answers are those of the real office, kept in one pass and given again by the same program that answers the others: no
// system waits for a server that has more to do than another's. Edits that may get lost go to the real office itself.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { chromium, test, type BrowserContext, type Page } from '@playwright/test';

import { CHROMIUM, CHROMIUM_ARGS } from '../support/chromium.ts';
import { median, printFigures } from '../support/figure.ts';
import { Office, PASSWORD } from '../support/office.ts';

const ROUNDS = Number(process.env.CAU_NOI_ROUNDS ?? 5);
const FEW = 5_000;
const MANY = 20_000;
const SLOW = 6;
/** Of every so manyth case. */
const EDITS = 200;
const SAVES = 50;
/** Two people edit as many cases each, a tenth of them in the same field. */
const DISPUTED = 500;
const SAME_FIELD = 50;

const RIVALS = resolve(import.meta.dirname, 'rivals');
const PHONE = resolve(import.meta.dirname, '../../target/bare-phone');

type Name = 'ours' | 'raw' | 'rxdb' | 'pouch';

/** What `rivals/page.mjs` puts into a page. */
interface System {
  open(name?: string, worker?: string): Promise<System>;
  pull(cases: number): Promise<number>;
  edit(field: string, step: number, count: number, what: unknown): Promise<number[]>;
  push(): Promise<number>;
  lost(field: string, step: number, count: number, what: unknown): Promise<number>;
  close(): void | Promise<void>;
}
interface Bench extends Record<Name, System> {
  fill(cases: number, worker: string, log: string, village: string): Promise<void>;
  unseal(): void;
  json(path: string, body?: unknown): Promise<unknown>;
}
declare const bench: Bench;

/** The other end of every system, holding so many cases. */
class Servers {
  worker = '';
  #child?: ChildProcess;
  #office?: Office;
  url = '';

  static async start(cases: number): Promise<Servers> {
    const servers = new Servers();
    const office = await Office.start();
    servers.#office = office;
    const { worker, village, log } = await lan(office);
    servers.worker = worker;
    const child = spawn(process.execPath, [join(RIVALS, 'server.mjs'), String(cases), office.url, village, PHONE], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    servers.#child = child;
    const port = await new Promise<string>((said, ended) => {
      child.stdout.once('data', (piece: Buffer) => said(piece.toString().trim()));
      child.once('exit', (code) => ended(new Error(`the servers ended with ${code}`)));
    });
    servers.url = `http://127.0.0.1:${port}`;
    await servers.#keepAnswers(cases, log, village);
    return servers;
  }

  /** Lets a phone ask everything once that phones will be timed with. */
  async #keepAnswers(cases: number, log: string, village: string): Promise<void> {
    const phone = await Device.start(this, 1);
    await phone.logIn();
    const begun = Date.now();
    await phone.page.evaluate(([cases, worker, log, village]) => bench.fill(cases, worker, log, village), [cases, this.worker, log, village] as const);
    await phone.page.evaluate(async ([cases, worker, step, edits]) => {
      const ours = await bench.ours.open('kept', worker);
      await ours.pull(cases);
      await ours.edit('household', step, edits, 1);
      await ours.push();
      await ours.push();
    }, [cases, this.worker, Math.floor(cases / EDITS), EDITS] as const);
    await phone.put();
    await this.replay(true);
    console.log(`${cases} cases are at the office, and its answers kept, after ${Math.round((Date.now() - begun) / 1000)} s`);
  }

  async replay(replays: boolean): Promise<void> {
    await this.#ask('/replay', replays);
  }
  /** As nobody had pushed anything. */
  async reset(): Promise<void> {
    await this.#ask('/reset', {});
  }
  async counted(): Promise<Counted> {
    return (await fetch(`${this.url}/counted`)).json() as Promise<Counted>;
  }
  async #ask(path: string, body: unknown): Promise<void> {
    const answer = await fetch(this.url + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  }

  async stop(): Promise<void> {
    this.#child?.removeAllListeners('exit');
    this.#child?.kill();
    await this.#office?.stop();
  }
}

interface Counted {
  requests: number;
  bytes: number;
}

/** Who Lan is, her village, and the log of its commune. */
async function lan(office: Office): Promise<{ worker: string; village: string; log: string }> {
  const headers = { 'content-type': 'application/json', origin: office.url };
  const post = async (path: string, body: unknown, cookie = ''): Promise<Response> => {
    const answer = await fetch(office.url + path, { method: 'POST', headers: { ...headers, cookie }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const signedIn = await post('/api/log_in', { user_name: 'lan', password: PASSWORD });
  const worker = (await signedIn.json()) as { id: string; grants: { area: string }[] };
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const device = '0190a000-0000-4000-8000-000000000000';
  const pulled = await post('/api/pull', { request: { v: 1, worker: worker.id, device, cursors: {}, briefing: '' } }, cookie);
  const { briefing } = (await pulled.json()) as { briefing: { places: { id: string; parent: string }[] } };
  const village = worker.grants[0]?.area ?? '';
  const commune = briefing.places.find(({ id }) => id === village)?.parent ?? '';
  return { worker: worker.id, village, log: `place:${commune}` };
}

/** A browser of its own with nothing in it. */
class Device {
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly profile: string,
  ) {}

  static async start(servers: Servers, slow: number): Promise<Device> {
    const profile = await mkdtemp(join(tmpdir(), 'cau-noi-bench-'));
    const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: CHROMIUM_ARGS });
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('pageerror', (error) => console.error(error));
    page.on('console', (message) => message.type() === 'error' && console.error(message.text()));
    await page.goto(servers.url);
    await page.waitForFunction(() => 'bench' in globalThis);
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: slow });
    return new Device(context, page, profile);
  }

  async logIn(): Promise<void> {
    await this.page.evaluate((password) => bench.json('/api/log_in', { user_name: 'lan', password }), PASSWORD);
  }

  /** Closes it; what its databases take on the disk. */
  async put(): Promise<number> {
    await this.context.close();
    const bytes = await size(join(this.profile, 'Default', 'IndexedDB'));
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
    return bytes;
  }
}

async function size(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

/** What one phone measured, in milliseconds and bytes. */
interface Measured {
  pull: number;
  push: number;
  noop: number;
  save: number;
  stored: number;
  pulled: Counted;
  pushed: Counted;
}

const NOTHING: Counted = { requests: 0, bytes: 0 };

/** A new phone pulls everything, edits, and syncs; `sealed` is only ours to take away. */
async function measure(servers: Servers, name: Name, cases: number, slow: number, sealed = true): Promise<Measured> {
  await servers.reset();
  const device = await Device.start(servers, slow);
  if (!sealed) await device.page.evaluate(() => bench.unseal());
  await device.page.evaluate(async ([name, worker]) => { await bench[name].open(name, worker); }, [name, servers.worker] as const);
  await servers.counted();
  const pull = await device.page.evaluate(([name, cases]) => bench[name].pull(cases), [name, cases] as const);
  const pulled = await servers.counted();
  const measured: Measured = { pull, push: NaN, noop: NaN, save: NaN, stored: 0, pulled, pushed: NOTHING };
  if (cases === FEW && sealed && name !== 'raw') {
    const step = Math.floor(cases / EDITS);
    const took = await device.page.evaluate(
      ([name, step, edits]) => bench[name].edit('household', step, edits, name === 'ours' ? 1 : (i: number) => `Sửa lần 1, ca thứ ${i}.`),
      [name, step, EDITS] as const,
    );
    if (name === 'ours') measured.save = median(took.slice(0, SAVES));
    await servers.counted();
    measured.push = await device.page.evaluate((name) => bench[name].push(), name);
    measured.pushed = await servers.counted();
    measured.noop = await device.page.evaluate((name) => bench[name].push(), name);
  }
  measured.stored = await device.put();
  return measured;
}

/** Edits of two phones that neither shows any more once both have synced. */
async function lostEdits(servers: Servers, name: Exclude<Name, 'raw'>): Promise<number> {
  await servers.reset();
  await servers.replay(false);
  const phones = [await Device.start(servers, 1), await Device.start(servers, 1)] as const;
  // The last ten percent of what the first edits in one field, the second edits in the same.
  for (const [i, { page }] of phones.entries()) {
    await page.evaluate((password) => bench.json('/api/log_in', { user_name: 'lan', password }), PASSWORD);
    await page.evaluate(async ([name, worker, cases]) => {
      const phone = await bench[name].open(`${name}-lost`, worker);
      await phone.pull(cases);
    }, [name, servers.worker, FEW] as const);
    for (const [field, count] of fields(i)) {
      await page.evaluate(edit, { name, field, count, seed: seed(i, field) });
    }
  }
  for (const i of [0, 1, 0, 1] as const) await phones[i].page.evaluate((name) => bench[name].push(), name);
  let lost = 0;
  for (const i of [0, 1] as const) {
    for (const [field, count] of fields(i)) {
      const gone = await Promise.all(phones.map(({ page }) => page.evaluate(look, { name, field, count, seed: seed(i, field) })));
      lost += Math.max(...gone);
    }
  }
  for (const phone of phones) await phone.put();
  await servers.replay(true);
  return lost;
}

/** One field of 500 cases for the first; for the second another of the same cases, and of 50 of them also the first's. */
function fields(i: number): [string, number][] {
  return i === 0 ? [['health', DISPUTED]] : [['what_happened', DISPUTED - SAME_FIELD], ['health', SAME_FIELD]];
}
function seed(i: number, field: string): number {
  return 10 + i * 2 + (field === 'health' ? 1 : 0);
}

interface Edit {
  name: Exclude<Name, 'raw'>;
  field: string;
  count: number;
  seed: number;
}
async function edit({ name, field, count, seed }: Edit): Promise<void> {
  await bench[name].edit(field, 7, count, name === 'ours' ? seed : (i: number) => `Sửa lần ${seed}, ca thứ ${i}.`);
}
function look({ name, field, count, seed }: Edit): Promise<number> {
  return bench[name].lost(field, 7, count, name === 'ours' ? seed : (i: number) => `Sửa lần ${seed}, ca thứ ${i}.`);
}

test('sync', async () => {
  test.setTimeout(1_500_000);
  const few = await Servers.start(FEW);
  const all = new Map<string, Measured[]>();
  const add = async (servers: Servers, name: Name, cases: number, slow: number, sealed = true): Promise<void> => {
    const key = `${sealed ? name : 'unsealed'} ${cases} ${slow}`;
    const measured = await measure(servers, name, cases, slow, sealed);
    all.set(key, [...(all.get(key) ?? []), measured]);
    console.log(`  ${key}×: pull ${Math.round(measured.pull)} ms, push ${Math.round(measured.push)} ms`);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const slow of [1, SLOW]) {
      for (const name of ['raw', 'ours', 'rxdb'] as const) await add(few, name, FEW, slow);
      // Slowed it takes minutes, and no figure is made of it.
      if (round === 0 || slow === 1) await add(few, 'pouch', FEW, slow);
    }
    await add(few, 'ours', FEW, 1, false);
  }
  const lost: Record<string, number> = {};
  for (const name of ['ours', 'rxdb', 'pouch'] as const) lost[name] = await lostEdits(few, name);
  await few.stop();
  const many = await Servers.start(MANY);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['raw', 'ours'] as const) await add(many, name, MANY, 1);
  }
  for (const name of ['rxdb', 'pouch'] as const) await add(many, name, MANY, 1);
  await many.stop();

  const middle = (key: string, what: (measured: Measured) => number): number => median((all.get(key) ?? []).map(what));
  console.log('                 cases slowed runs  pull ms   push ms  no-op ms   kB stored  pull: requests, kB   push: requests, kB');
  for (const [key, measured] of all) {
    const [name = '', cases = '', slow = ''] = key.split(' ');
    const ms = (what: 'pull' | 'push' | 'noop'): string => {
      const value = middle(key, (one) => one[what]);
      return (Number.isNaN(value) ? '–' : String(Math.round(value))).padStart(9);
    };
    const counted = (what: 'pulled' | 'pushed'): string =>
      `${String(middle(key, (one) => one[what].requests)).padStart(9)} ${String(Math.round(middle(key, (one) => one[what].bytes) / 1000)).padStart(9)}`;
    const stored = String(Math.round(middle(key, (one) => one.stored) / 1000)).padStart(11);
    console.log(`  ${name.padEnd(12)} ${cases.padStart(7)} ${`${slow}×`.padStart(6)} ${String(measured.length).padStart(4)} ${ms('pull')} ${ms('push')} ${ms('noop')} ${stored} ${counted('pulled')}  ${counted('pushed')}`);
  }
  console.log(`of ${2 * DISPUTED} edits of two phones, ${SAME_FIELD} pairs in the same field, nobody sees any more: ${Object.entries(lost).map(([name, edits]) => `${name} ${edits}`).join(', ')}`);
  const pull = ({ pull }: Measured): number => pull;
  const ratio = (what: (measured: Measured) => number, one: string, other: string): number => middle(one, what) / middle(other, what);
  printFigures({
    'sync.pull_5000_1x_vs_raw': ratio(pull, `ours ${FEW} 1`, `raw ${FEW} 1`),
    'sync.pull_5000_6x_vs_raw': ratio(pull, `ours ${FEW} ${SLOW}`, `raw ${FEW} ${SLOW}`),
    'sync.pull_5000_1x_vs_rxdb': ratio(pull, `ours ${FEW} 1`, `rxdb ${FEW} 1`),
    'sync.pull_5000_6x_vs_rxdb': ratio(pull, `ours ${FEW} ${SLOW}`, `rxdb ${FEW} ${SLOW}`),
    'sync.push_200_1x_vs_rxdb': ratio(({ push }) => push, `ours ${FEW} 1`, `rxdb ${FEW} 1`),
    'sync.storage_20000_vs_raw': ratio(({ stored }) => stored, `ours ${MANY} 1`, `raw ${MANY} 1`),
    'sync.lost_edits': lost.ours ?? NaN,
    'sync.seal_cost_percent': (ratio(pull, `ours ${FEW} 1`, `unsealed ${FEW} 1`) - 1) * 100,
    'save.sealed_6x_ms': middle(`ours ${FEW} ${SLOW}`, ({ save }) => save),
  });
});
