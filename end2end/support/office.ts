// An office of its own for a test: the real server, a fresh demo database, a port that nobody else has.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { freePort } from './port.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const SERVER = process.env.CAU_NOI_SERVER ?? join(PROJECT, 'target/debug/server');
export const SITE = join(PROJECT, 'target/site');
/** The password of everybody in the demo. */
export const PASSWORD = 'cau-noi-demo';

export interface OfficeOptions {
  /** Another built site than `target/site`. */
  site?: string;
}

export class Office {
  port = 0;
  /** What the office wrote, for a test that failed. */
  log = '';
  /** It was stopped and came back: a request of that time found nobody. */
  wasAway = false;
  #child?: ChildProcess;
  #folder = '';
  #site: string;

  private constructor(options: OfficeOptions) {
    this.#site = options.site ?? SITE;
  }

  static async start(options: OfficeOptions = {}): Promise<Office> {
    if (!existsSync(SERVER)) throw new Error(`${SERVER} is missing: build the server first`);
    const office = new Office(options);
    office.#folder = await mkdtemp(join(tmpdir(), 'cau-noi-office-'));
    office.port = await freePort();
    await office.#spawn();
    return office;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get database(): string {
    return join(this.#folder, 'office.db');
  }

  /** Power is cut: nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Comes back on the same port with what its disk kept, if need be with another build. */
  async restart(options: OfficeOptions = {}): Promise<void> {
    this.wasAway = true;
    this.#site = options.site ?? this.#site;
    await this.#end('SIGTERM');
    await this.#spawn();
  }

  /** Stops and throws the database away. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #spawn(): Promise<void> {
    const child = spawn(
      SERVER,
      ['serve', '--listen', `127.0.0.1:${this.port}`, '--db', this.database, '--site', this.#site, '--demo'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => { this.log += piece.toString(); });
    }
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', (code) => reject(new Error(`the office ended with ${code}:\n${this.log}`)));
      child.once('error', reject);
    });
    ended.catch(() => {});
    await Promise.race([ended, this.#ready()]);
  }

  async #ready(): Promise<void> {
    const latest = Date.now() + 60_000;
    while (Date.now() < latest) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((again) => setTimeout(again, 25));
    }
    throw new Error(`the office is not ready after a minute:\n${this.log}`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}
