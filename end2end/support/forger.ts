// Requests made by hand with the real session of a phone: what somebody could try who goes round the screens. They are
// made of what the app itself sent, with other ids.
import type { Page as Tab, Request } from '@playwright/test';

import type { Phone } from './phone.ts';

/** One change as the app sends it; its body is carried, not read. */
export interface Change {
  id: string;
  subject: string;
  log: string;
  author: string;
  device: string;
  body: unknown;
}

interface PushBatch {
  v: number;
  worker: string;
  device: string;
  changes: Change[];
}

interface PullRequest {
  v: number;
  worker: string;
  device: string;
  cursors: Record<string, null>;
}

interface Page {
  log: string;
  subjects?: { subject: string }[];
}

export interface Answer {
  status: number;
  text: string;
}

/** Somebody's phone with what is needed to speak to the office past the app. */
export class Forger {
  private constructor(
    readonly tab: Tab,
    private readonly pull: PullRequest,
  ) {}

  /** Starts as soon as the app of whoever signs in next asks the office for news. */
  static async at(phone: Phone, signIn: () => Promise<void>): Promise<Forger> {
    const asked = phone.page.waitForRequest((request) => request.url().endsWith('/api/pull'));
    await signIn();
    const { request } = (await asked).postDataJSON() as { request: PullRequest };
    return new Forger(phone.page, request);
  }

  get worker(): string {
    return this.pull.worker;
  }

  /** `change` in this person's name from this phone, under an id of its own. */
  own(change: Change): Change {
    return { ...change, id: anotherId(change.id), author: this.worker, device: this.pull.device };
  }

  /** Sends changes in the name of `worker`, normally of this person. */
  async push(changes: Change[], as: { worker: string; device: string } = this.pull): Promise<Answer> {
    const batch: PushBatch = { v: this.pull.v, worker: as.worker, device: as.device, changes };
    return this.#call('/api/push', { batch });
  }

  /** Asks for everything that lies in these logs, in the name of `worker`, normally of this person. */
  async read(logs: string[], worker = this.worker): Promise<Answer> {
    const cursors = Object.fromEntries(logs.map((log) => [log, null]));
    return this.#call('/api/pull', { request: { ...this.pull, worker, cursors } });
  }

  /** The subjects that the office hands out of these logs, each under the log it lies in. */
  async subjects(logs: string[]): Promise<{ log: string; subject: string }[]> {
    return (await this.#pages(logs)).flatMap(({ log, subjects = [] }) => subjects.map(({ subject }) => ({ log, subject })));
  }

  /** What the office has of a subject, as it hands it to this person. */
  async parts(log: string, subject: string): Promise<string> {
    const found = (await this.#pages([log])).flatMap(({ subjects = [] }) => subjects).filter((of) => of.subject === subject);
    if (found.length === 0) throw new Error(`${subject} is not handed out`);
    return JSON.stringify(found);
  }

  async #pages(logs: string[]): Promise<Page[]> {
    const { text } = await this.read(logs);
    return (JSON.parse(text) as { pages: Page[] }).pages;
  }

  async #call(path: string, body: unknown): Promise<Answer> {
    return this.tab.evaluate(
      async ([path, body]) => {
        const headers = { 'content-type': 'application/json', accept: 'application/json' };
        const answer = await fetch(path, { method: 'POST', headers, body, credentials: 'same-origin' });
        return { status: answer.status, text: await answer.text() };
      },
      [path, JSON.stringify(body)] as const,
    );
  }
}

/** The changes of one push. */
export function changesOf(request: Request): Change[] {
  return (request.postDataJSON() as { batch: PushBatch }).batch.changes;
}

/** The same decision about another referral of another case. */
export function about(change: Change, referral: { from: string; to: string }, subject: string): Change {
  const body = JSON.stringify(change.body).replaceAll(referral.from, referral.to);
  return { ...change, subject, body: JSON.parse(body) as unknown };
}

/** A new id of the same moment. */
function anotherId(id: string): string {
  const random = Array.from({ length: 12 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
  return id.slice(0, -12) + random;
}
