// An office of its own for a test: the real server, a fresh demo database, a port that nobody else has. The database is a
// SQLite file, or one on the PostgreSQL server that TEST_DATABASE_URL names.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from './port.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const SERVER = process.env.CAU_NOI_SERVER ?? join(PROJECT, 'target/debug/server');
export const SITE = join(PROJECT, 'target/site');
/** The password of everybody in the demo. */
export const PASSWORD = 'cau-noi-demo';

/** A PostgreSQL server where tests may make databases; each office makes one and takes it away. */
const POSTGRES = process.env.TEST_DATABASE_URL;
const psql = async (sql: string): Promise<unknown> =>
  promisify(execFile)(process.env.PSQL ?? 'psql', ['--no-psqlrc', '--quiet', '--command', sql, POSTGRES ?? '']);

export interface OfficeOptions {
  /** Another built site than `target/site`. */
  site?: string;
  /** More flags of `server serve`. */
  flags?: string[];
}

export class Office {
  port = 0;
  /** What the office wrote, for a test that failed. */
  log = '';
  /** It was stopped and came back: a request of that time found nobody. */
  wasAway = false;
  #child?: ChildProcess;
  #folder = '';
  /** Of a database on PostgreSQL. */
  #name?: string;
  #site: string;
  readonly #flags: string[];

  private constructor(options: OfficeOptions) {
    this.#flags = options.flags ?? [];
    this.#site = options.site ?? SITE;
  }

  static async start(options: OfficeOptions = {}): Promise<Office> {
    if (!existsSync(SERVER)) throw new Error(`${SERVER} is missing: build the server first`);
    const office = new Office(options);
    office.#folder = await mkdtemp(join(tmpdir(), 'cau-noi-office-'));
    office.port = await freePort();
    if (POSTGRES) {
      // The prefix and the seconds by which the tests of the office sweep away what a killed run has left.
      const name = `cau_noi_test_${Math.floor(Date.now() / 1000)}_${process.pid}_${randomBytes(4).toString('hex')}`;
      await psql(`create database ${name} template template0 encoding 'UTF8'`);
      office.#name = name;
    }
    await office.#spawn();
    return office;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Which database, as the server is told. */
  get database(): string[] {
    if (!POSTGRES || !this.#name) return ['--db', join(this.#folder, 'office.db')];
    const url = new URL(POSTGRES);
    url.pathname = `/${this.#name}`;
    return ['--database-url', url.href, '--key-file', join(this.#folder, 'key')];
  }

  /** What somebody at the office's own machine types, such as `user revoke lan`, while the office goes on; what was said. */
  async run(...verb: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(SERVER, [...verb, ...this.database], { env: this.#environment() });
    return stdout;
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
    if (this.#name) await psql(`drop database ${this.#name} with (force)`);
  }

  async #spawn(): Promise<void> {
    const child = spawn(
      SERVER,
      [
        'serve', '--listen', `127.0.0.1:${this.port}`, ...this.database, '--site', this.#site, '--demo',
        ...this.#flags,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: this.#environment() },
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

  /** Nothing of this machine's own office. */
  #environment(): NodeJS.ProcessEnv {
    const { CAU_NOI_DB: _file, DATABASE_URL: _url, CAU_NOI_KEY: _key, CAU_NOI_KEY_FILE: _keyFile, ...rest } = process.env;
    return rest;
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
