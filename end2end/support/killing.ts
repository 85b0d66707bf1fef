// A person who writes notes while the app's process or the office is killed again and again, and what became of each note.
// It watches from outside: which write transactions stand open, and what the app has said.
import { setTimeout as after } from 'node:timers/promises';

import { expect, type Locator } from '@playwright/test';

import { Office, PASSWORD } from './office.ts';
import { Phone } from './phone.ts';
import { ready, recordAndOpen, SLIENG } from './story.ts';

/** Long enough to be written into several rows, short enough to be typed at once. */
const NOTE = 'Bà đi lại được trong nhà, còn đau khi leo dốc. Hàng xóm vẫn nấu cơm giúp.';
/** Visits of one case; then the person goes on with another. */
const NOTES_OF_CASE = 25;
/** What is on its way out of a process that was stopped has arrived by then. */
const DRAIN_MS = 30;
/** Chromium starts the process of a page this late at most on a busy machine. */
const LONGEST_MS = 30_000;

export interface Options {
  seed: number;
  /** Runs in each page before the app: a deliberate fault. */
  fault?: () => void;
}

/** What was found after the last round. */
export interface Report {
  rounds: number;
  kills: number;
  /** Kills at which a write of the phone stood open, or a push was at the office and not answered. */
  midWrite: number;
  /** Notes of which the app said that they are saved. */
  promised: number;
  lost: string[];
  doubled: string[];
}

type Victim = 'renderer' | 'office' | 'both';

interface Strike {
  victim: Victim;
  /** So many writes are begun, or pushes are under way, before it falls … */
  count: number;
  /** … and so many milliseconds later. */
  delayMs: number;
  isOffline: boolean;
}

interface Case {
  path: string;
  subject: string;
  notes: string[];
}

export class Killing {
  readonly promised = new Set<string>();
  /** Notes that were promised and are not there, with where that was seen first. */
  readonly lost = new Map<string, string>();
  readonly doubled = new Map<string, string>();
  kills = 0;
  midWrite = 0;
  rounds = 0;
  /** Transactions that were begun and have not ended, in the page that lives now. */
  #open = new Set<string>();
  #begun = 0;
  #writing = '';
  #drafted = '';
  #cases: Case[] = [];
  #random: () => number;

  private constructor(
    readonly office: Office,
    readonly phone: Phone,
    seed: number,
  ) {
    this.#random = chance(seed);
  }

  static async start(options: Options): Promise<Killing> {
    const office = await Office.start();
    const phone = await Phone.start(office);
    const killing = new Killing(office, phone, options.seed);
    // What hangs says where.
    phone.context.setDefaultTimeout(2 * LONGEST_MS);
    await phone.context.exposeFunction('tellOfWrite', (what: string, of: string) => killing.#hear(what, of));
    await phone.context.addInitScript(watchWrites);
    await ready(phone, 'lan');
    await phone.installed();
    await killing.#case();
    if (options.fault) await phone.context.addInitScript(options.fault);
    return killing;
  }

  async stop(): Promise<void> {
    await this.phone.put();
    await this.office.stop();
  }

  /** Writes a note, kills in the midst of it, opens the app again and looks for everything that was promised. */
  async round(): Promise<void> {
    this.rounds += 1;
    const about = await this.#case();
    const strike = this.#plan();
    if (strike.isOffline) await this.phone.goOffline();
    const { page } = this.phone;
    await this.phone.open(`${about.path}/visit`);
    const seen = page.getByLabel('Thấy và nghe những gì?');
    await seen.waitFor();
    const pids = await this.phone.renderers();

    const text = `${NOTE} (${this.rounds})`;
    about.notes.push(text);
    this.#writing = text;
    this.#drafted = '';
    const struck = this.#strike(strike, pids);
    const typing = this.#type(seen, page);
    const killed = await struck;
    await typing;
    this.#writing = '';

    if (killed !== 'office') await this.phone.riseAgain(pids);
    if (killed !== 'renderer') await this.office.restart();
    if (strike.isOffline) await this.phone.goOnline();
    await this.#look(about, text);
  }

  /** A round in which nothing is killed; the address of the case. */
  async writeInPeace(): Promise<string> {
    const about = await this.#case();
    await this.phone.open(`${about.path}/visit`);
    const { page } = this.phone;
    await page.getByLabel('Thấy và nghe những gì?').fill(NOTE);
    await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith('/visit'));
    return about.path;
  }

  /** All is sent; then the office is asked by somebody who has nothing else to go by. */
  async report(): Promise<Report> {
    const { page } = this.phone;
    await this.phone.open('/sync');
    await page.getByText('Không còn gì chờ gửi.').waitFor({ timeout: 90_000 });
    const there = await notesAtOffice(this.office);
    for (const text of this.promised) if (!there.has(text)) note(this.lost, text, 'not at the office');
    for (const [text, times] of there) if (text.startsWith(NOTE) && times > 1) note(this.doubled, text, `${times} times at the office`);
    const { rounds, kills, midWrite } = this;
    return { rounds, kills, midWrite, promised: this.promised.size, lost: lines(this.lost), doubled: lines(this.doubled) };
  }

  async #type(seen: ReturnType<Phone['page']['getByLabel']>, page: Phone['page']): Promise<void> {
    // The page may die at any of these.
    try {
      await seen.fill(this.#writing, { timeout: LONGEST_MS });
      if (this.#random() < 0.5) await after(this.#random() * 400);
      await page.getByRole('button', { name: 'Lưu trên máy này' }).click({ timeout: 5_000 });
    } catch (error) {
      if (!/crash|closed|Timeout|detached/i.test(String(error))) throw error;
    }
  }

  #plan(): Strike {
    const by = this.#random();
    const victim: Victim = by < 0.75 ? 'renderer' : by < 0.9 ? 'office' : 'both';
    const isOffline = victim === 'renderer' && this.#random() < 0.35;
    const most = victim === 'renderer' ? 6 : 1;
    return { victim, isOffline, count: 1 + Math.floor(this.#random() * most), delayMs: Math.floor(this.#random() ** 2 * 25) };
  }

  /** Waits for the moment, strikes, and says what was hit. */
  async #strike(strike: Strike, pids: number[]): Promise<Victim> {
    const begun = this.#begun;
    const pushes = this.#pushes();
    const latest = Date.now() + 4_000;
    const isTime = (): boolean =>
      strike.victim === 'renderer' ? this.#begun - begun >= strike.count : this.#pushes() - pushes >= strike.count;
    while (!isTime() && Date.now() < latest) await after(1);
    if (strike.delayMs > 0) await after(strike.delayMs);
    this.kills += 1;
    const isUnderWay = strike.victim !== 'renderer' && this.#underWay();
    const killing = strike.victim === 'renderer' ? undefined : this.office.kill();
    if (strike.victim !== 'office') {
      // Stopped first: what the page said before it died is heard, and nothing more is done.
      for (const pid of pids) signal(pid, 'SIGSTOP');
      await after(DRAIN_MS);
      if (this.#open.size > 0 || isUnderWay) this.midWrite += 1;
      for (const pid of pids) signal(pid, 'SIGKILL');
      await after(DRAIN_MS);
      this.#open.clear();
    } else if (isUnderWay || this.#open.size > 0) {
      this.midWrite += 1;
    }
    await killing;
    return strike.victim;
  }

  #pushes(): number {
    return this.phone.network.exchanges.filter(({ path }) => path === '/api/push').length;
  }

  /** The last push is at the office, and nothing of its answer has come. */
  #underWay(): boolean {
    const last = this.phone.network.exchanges.findLast(({ path }) => path === '/api/push');
    return last?.answerBytes === 0;
  }

  #hear(what: string, of: string): void {
    if (what === 'began') {
      this.#open.add(of);
      this.#begun += 1;
    } else if (what === 'ended') {
      this.#open.delete(of);
    } else if (what === 'saved' && this.#writing) {
      this.promised.add(this.#writing);
    } else if (what === 'draft' && this.#writing) {
      this.#drafted = this.#writing;
    }
  }

  /** The phone shows each note that was promised, and none twice; a draft that was promised stands in its form. */
  async #look(about: Case, text: string): Promise<void> {
    await this.phone.open(`${about.path}/visits`);
    const { page } = this.phone;
    const lines = page.getByRole('article').locator('p.lines');
    const promised = about.notes.filter((text) => this.promised.has(text));
    const shown = async (): Promise<string[]> => (await lines.allInnerTexts()).map((line) => line.trim());
    const latest = Date.now() + LONGEST_MS;
    await lines.or(page.getByText('Chưa có lần thăm')).first().waitFor({ timeout: LONGEST_MS }).catch(() => {});
    let there = await shown();
    while (promised.some((text) => !there.includes(text)) && Date.now() < latest) {
      await after(100);
      there = await shown();
      if (Date.now() > latest - LONGEST_MS + 5_000 && there.length > 0) break;
    }
    for (const text of promised) if (!there.includes(text)) note(this.lost, text, `not on the phone after round ${this.rounds}`);
    for (const text of about.notes) {
      const times = there.filter((line) => line === text).length;
      if (times > 1) note(this.doubled, text, `${times} times on the phone after round ${this.rounds}`);
    }
    if (this.#drafted === text && !there.includes(text)) {
      await this.phone.open(`${about.path}/visit`);
      const seen = page.getByLabel('Thấy và nghe những gì?');
      await seen.waitFor();
      // The form stands before its draft is read.
      if (!(await stands(seen, text))) {
        // The kill may have come between its saving and the word of it: then it is a note now.
        await this.phone.open(`${about.path}/visits`);
        const kept = await lines.filter({ hasText: text }).first().waitFor({ timeout: LONGEST_MS }).then(() => true, () => false);
        if (!kept) note(this.lost, text, `its draft is gone after round ${this.rounds}`);
      }
    }
  }

  async #case(): Promise<Case> {
    const last = this.#cases.at(-1);
    if (last && last.notes.length < NOTES_OF_CASE) return last;
    const name = `${SLIENG.name} ${'ABCDEFGHIKLMNOPQRSTUVXY'[this.#cases.length] ?? 'Z'}`;
    const path = await recordAndOpen(this.phone, { ...SLIENG, name });
    const fresh = { path, subject: path.replace('/cases/', 'case:'), notes: [] };
    this.#cases.push(fresh);
    return fresh;
  }
}

/** Every note of a visit in the office, with how often it is there. */
export async function notesAtOffice(office: Office): Promise<Map<string, number>> {
  const call = async (path: string, body: unknown, cookie = ''): Promise<Response> =>
    fetch(office.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: office.url, cookie },
      body: JSON.stringify(body),
    });
  const signedIn = await call('/api/log_in', { user_name: 'lan', password: PASSWORD });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const { id: worker } = (await signedIn.json()) as { id: string };
  const notes = new Map<string, number>();
  const cursors: Record<string, unknown> = {};
  const seen = new Map<string, string>();
  for (;;) {
    const request = { v: 1, worker, device: '0190a000-0000-7000-8000-00fe00000001', cursors, briefing: '' };
    const answer = (await (await call('/api/pull', { request }, cookie)).json()) as {
      pages: { log: string; more?: boolean; next?: unknown; subjects?: { parts?: { key: string; part: { visit?: { visit: { seen: string } } } }[] }[] }[];
    };
    for (const page of answer.pages) {
      cursors[page.log] = page.next ?? null;
      for (const { key, part } of (page.subjects ?? []).flatMap(({ parts = [] }) => parts)) {
        if (part.visit) seen.set(key, part.visit.visit.seen);
      }
    }
    if (!answer.pages.some(({ more }) => more)) break;
  }
  for (const text of seen.values()) notes.set(text, (notes.get(text) ?? 0) + 1);
  return notes;
}

async function stands(field: Locator, text: string): Promise<boolean> {
  return expect(field).toHaveValue(text, { timeout: 10_000 }).then(() => true, () => false);
}

function note(all: Map<string, string>, text: string, what: string): void {
  if (!all.has(text)) all.set(text, what);
}

function lines(all: Map<string, string>): string[] {
  return [...all].map(([text, what]) => `${text}: ${what}`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended by itself.
  }
}

/** mulberry32: the same seed plans the same strikes. */
function chance(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let t = Math.imul(at ^ (at >>> 15), 1 | at);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Runs in each page before anything else of it: tells of each write that begins or ends, and of what the app says. */
function watchWrites(): void {
  const { tellOfWrite: tell } = window as unknown as { tellOfWrite(what: string, of: string): Promise<void> };
  const page = Math.random().toString(36).slice(2);
  let count = 0;
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given: Parameters<typeof begin>) {
    const transaction = begin.apply(this, given);
    if (given[1] === 'readwrite') {
      count += 1;
      const name = `${page} ${count}`;
      void tell('began', name);
      for (const end of ['complete', 'abort']) transaction.addEventListener(end, () => void tell('ended', name));
    }
    return transaction;
  };
  const said = { saved: 'Đã lưu trên máy này', draft: 'Bản nháp đã lưu trên máy này' };
  const stands = { saved: false, draft: false };
  new MutationObserver(() => {
    const lines = [...document.querySelectorAll('[role=status]')].map(({ textContent }) => textContent?.trim() ?? '');
    for (const what of ['saved', 'draft'] as const) {
      const is = lines.includes(said[what]);
      if (is && !stands[what]) void tell(what, page);
      stands[what] = is;
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}
