// A phone of its own for a test: a real Chromium with its own profile on disk and its own line to the office.
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

import { CHROMIUM, CHROMIUM_ARGS } from './chromium.ts';
import { PASSWORD, type Office } from './office.ts';
import { Proxy as Network } from './proxy.ts';

const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

export interface PhoneOptions {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  /** A browser that runs no script. */
  script?: boolean;
  serviceWorkers?: 'allow' | 'block';
  /** The phone has a camera, which shows a moving pattern and asks nobody. */
  camera?: boolean;
  /** What the phone's clock says as the phone is switched on; from there it runs. Without it the clock is right. */
  clock?: Date;
}

export class Phone {
  page!: Page;
  /** What the console complained about: a test that ends with any has failed. */
  readonly complaints: string[] = [];
  #context!: BrowserContext;
  /** Statuses whose lines are no complaint. */
  readonly #toldOf = new Set<number>();
  /** Addresses that the story cuts the phone off from. */
  #cutOffFrom?: string;
  #offline = false;
  /** When the phone last had no network, in milliseconds of this machine's clock. */
  #offlineUntil = 0;
  /** How far its clock is wrong, in milliseconds. */
  readonly #clockOff: number;

  private constructor(
    readonly network: Network,
    private readonly profile: string,
    private readonly options: PhoneOptions,
  ) {
    this.#clockOff = options.clock ? options.clock.getTime() - Date.now() : 0;
  }

  static async start(office: Office, options: PhoneOptions = {}): Promise<Phone> {
    const network = await Network.start(() => office.port);
    const profile = await mkdtemp(join(tmpdir(), 'cau-noi-phone-'));
    const phone = new Phone(network, profile, options);
    await phone.#launch();
    return phone;
  }

  /** Opens an address of the app as a person types it or taps a link. */
  async open(path = '/'): Promise<void> {
    await this.page.goto(this.network.url + path);
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** The app has taken the document over. */
  async opened(): Promise<void> {
    await this.page.locator('#shell').waitFor({ state: 'detached' });
  }

  /** The whole app is kept for a start without network. */
  async installed(): Promise<void> {
    await this.page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      if (active?.state === 'activated') return;
      await new Promise<void>((resolve) => {
        active?.addEventListener('statechange', () => active.state === 'activated' && resolve());
      });
    });
  }

  /** The story brings answers of this status on purpose, and the browser writes a line for each, some time after it. */
  isToldOf(status: number): void {
    this.#toldOf.add(status);
  }

  /** The story cuts the line to addresses that begin so, and the browser writes a line for each. */
  isCutOffFrom(path: string): void {
    this.#cutOffFrom = path;
  }

  /** Signs in through the form that is there before the app, or through the app's own. */
  async logIn(userName: string, password = PASSWORD): Promise<void> {
    await this.page.getByLabel('Tên đăng nhập').fill(userName);
    await this.page.getByLabel('Mật khẩu').fill(password);
    await this.page.getByRole('button', { name: 'Đăng nhập' }).click();
  }

  /** The port closes. `setOffline` of the browser would leave the service worker its network. */
  async goOffline(): Promise<void> {
    this.#offline = true;
    await this.network.close();
  }

  async goOnline(): Promise<void> {
    await this.network.open();
    this.#offline = false;
    this.#offlineUntil = Date.now();
    // The network itself says nothing to the browser when a port opens; a phone that finds a mast does.
    await this.page.evaluate(() => window.dispatchEvent(new Event('online')));
  }

  /** The process that runs the app dies at once, as when memory is short; then the person opens the app again. */
  async killRenderer(): Promise<void> {
    const page = this.page;
    const died = page.waitForEvent('crash');
    const session = await this.#context.newCDPSession(page);
    session.send('Page.crash').catch(() => {});
    await died;
    this.page = await this.#newPage();
    await page.close();
  }

  /** The processes in which pages of this phone run. */
  async renderers(): Promise<number[]> {
    const session = await this.#context.browser()?.newBrowserCDPSession();
    if (!session) throw new Error('the browser does not say what runs in it');
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  }

  /** After its processes were killed from outside: the person opens the app again. */
  async riseAgain(killed: number[]): Promise<void> {
    const dead = this.page;
    // The browser may have kept one of them ready for the next page: not before it has noticed that all are gone.
    while ((await this.renderers()).some((pid) => killed.includes(pid))) await after(20);
    this.page = await this.#newPage();
    await dead.close();
  }

  /** The battery is pulled: the whole browser dies at once; then the phone starts again. */
  async killBrowser(): Promise<void> {
    const browser = this.#context.browser();
    const session = await browser?.newBrowserCDPSession();
    const gone = new Promise<void>((resolve) => this.#context.once('close', () => resolve()));
    session?.send('Browser.crash').catch(() => {});
    await gone;
    await this.#launch();
  }

  /** Switched off in peace and on again. */
  async restart(): Promise<void> {
    await this.#context.close();
    await this.#launch();
  }

  async put(): Promise<void> {
    await this.#context.close().catch(() => {});
    await this.network.close();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  get context(): BrowserContext {
    return this.#context;
  }

  async #launch(): Promise<void> {
    const { width = 360, height = 640, theme = 'light', script = true, serviceWorkers = 'allow', camera = false } = this.options;
    this.#context = await chromium.launchPersistentContext(this.profile, {
      executablePath: CHROMIUM,
      args: camera ? [...CHROMIUM_ARGS, ...FAKE_CAMERA] : CHROMIUM_ARGS,
      viewport: { width, height },
      hasTouch: width < 600,
      isMobile: width < 600,
      deviceScaleFactor: 1,
      colorScheme: theme,
      javaScriptEnabled: script,
      serviceWorkers,
      locale: 'vi-VN',
      timezoneId: 'Asia/Ho_Chi_Minh',
    });
    if (this.#clockOff !== 0) await this.#context.addInitScript(shiftClock, this.#clockOff);
    this.page = this.#watch(this.#context.pages()[0] ?? (await this.#context.newPage()));
  }

  async #newPage(): Promise<Page> {
    return this.#watch(await this.#context.newPage());
  }

  #watch(page: Page): Page {
    page.on('pageerror', (error) => this.complaints.push(`${error.name}: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      // The browser itself writes a line for each request that found no network, and hands it over a little later.
      const offline = this.#offline || message.timestamp() <= this.#offlineUntil;
      if (offline && /net::ERR_/.test(message.text())) return;
      // A port that is open refuses nobody: this line is about a request of the time before, however late it comes.
      if (this.#offlineUntil > 0 && /net::ERR_CONNECTION_REFUSED/.test(message.text())) return;
      const cut = this.#cutOffFrom && message.location().url.startsWith(this.network.url + this.#cutOffFrom);
      if (cut && /net::ERR_/.test(message.text())) return;
      const [, status] = /responded with a status of (\d{3})/.exec(message.text()) ?? [];
      if (this.#toldOf.has(Number(status))) return;
      this.complaints.push(`${message.text()} (${message.location().url})`);
    });
    return page;
  }
}

/** Runs in each page before anything else of it. */
function shiftClock(offMs: number): void {
  const Right = Date;
  globalThis.Date = new Proxy(Right, {
    construct: (of, given, as) => Reflect.construct(of, given.length === 0 ? [Right.now() + offMs] : given, as) as Date,
    get: (of, name, as) => (name === 'now' ? () => Right.now() + offMs : Reflect.get(of, name, as) as unknown),
  });
}
