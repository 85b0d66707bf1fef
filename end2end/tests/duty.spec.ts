// Being called: a push wakes the app and shows a notice that names nobody; the switch says what is; whoever sent an
// emergency reads who was told of it.
import type { Page, Worker } from '@playwright/test';

import { Office } from '../support/office.ts';
import { Phone } from '../support/phone.ts';
import { ready, recordEmergency, synced, tab, WANDERER } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const SWITCH = 'Báo khi có việc khẩn';

/** A push message without content, as the browser's push service hands it to the service worker. */
async function push(phone: Phone): Promise<void> {
  const session = await phone.context.newCDPSession(phone.page);
  const found = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      for (const { registrationId, isDeleted } of registrations) if (!isDeleted) resolve(registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await found;
  await session.send('ServiceWorker.deliverPushMessage', { origin: new URL(phone.page.url()).origin, registrationId, data: '' });
  await session.detach();
}

function notices(page: Page): Promise<{ title: string; body: string }[]> {
  return page.evaluate(async () => {
    const shown = await (await navigator.serviceWorker.ready).getNotifications();
    return shown.map(({ title, body }) => ({ title, body }));
  });
}

function workerOf(phone: Phone): Worker {
  const [worker] = phone.context.serviceWorkers();
  if (!worker) throw new Error('there is no service worker');
  return worker;
}

/** The browser's push service, which is not on this machine: it gives an address, and remembers it as a browser does. */
function pushService(): void {
  const key = 'test.push';
  const subscription = (): unknown => ({
    endpoint: localStorage.getItem(key),
    unsubscribe: () => { localStorage.removeItem(key); return Promise.resolve(true); },
  });
  const real = (value: unknown): unknown => Object.setPrototypeOf(value, PushSubscription.prototype);
  const own = (of: object): object => Object.defineProperties({}, Object.getOwnPropertyDescriptors(of));
  PushManager.prototype.getSubscription = () =>
    Promise.resolve((localStorage.getItem(key) ? real(own(subscription() as object)) : null) as PushSubscription);
  PushManager.prototype.subscribe = (options) => {
    if (!options?.userVisibleOnly || String(options.applicationServerKey).length !== 87) throw new Error('not as asked');
    localStorage.setItem(key, 'https://push.example/phone-1');
    return Promise.resolve(real(own(subscription() as object)) as PushSubscription);
  };
}

test('a push wakes the open app and shows a notice that names nobody, and a tap on it opens the queue', async ({ phone }) => {
  await phone.open('/');
  await phone.context.grantPermissions(['notifications'], { origin: phone.network.url });
  await ready(phone, 'hanh');
  await phone.installed();
  await phone.reload();
  await phone.opened();
  await phone.open('/more');
  await phone.opened();
  await synced(phone.page);
  await phone.page.waitForTimeout(2_000);

  const pulled = phone.page.waitForRequest(/\/api\/pull/, { timeout: 10_000 });
  await push(phone);
  await pulled;
  // Chromium forgets a notice that it is asked about before it has drawn it.
  await phone.page.waitForTimeout(2_000);
  await expect.poll(() => notices(phone.page)).toEqual([{ title: 'Cầu Nối', body: 'Có việc cần xem.' }]);
  // A second one takes the place of the first.
  await push(phone);
  await phone.page.waitForTimeout(2_000);
  expect(await notices(phone.page)).toHaveLength(1);

  // A notice cannot be tapped in a browser without a screen; what the tap does can be run.
  await workerOf(phone).evaluate(async () => {
    const worker = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      dispatchEvent: (event: Event) => boolean;
      NotificationEvent: new (kind: string, init: { notification: Notification }) => Event;
    };
    const [notification] = await worker.registration.getNotifications();
    if (!notification) throw new Error('there is no notice');
    worker.dispatchEvent(new worker.NotificationEvent('notificationclick', { notification }));
  });
  await expect(phone.page).toHaveURL(/\/referrals$/);
  await expect.poll(() => notices(phone.page)).toEqual([]);
});

test('the switch is for whoever may be on duty, says when the browser blocks it, and stays on once it is on', async ({
  phone,
  anotherPhone,
}) => {
  await ready(phone, 'lan');
  await phone.open('/more');
  await phone.opened();
  await expect(phone.page.getByRole('heading', { name: 'Khác' })).toBeVisible();
  await expect(phone.page.getByText(SWITCH)).toHaveCount(0);

  const desk = await anotherPhone();
  await desk.context.addInitScript(pushService);
  await ready(desk, 'hanh');
  await desk.installed();
  await desk.context.grantPermissions(['notifications'], { origin: desk.network.url });
  await desk.open('/more');
  await desk.opened();
  const toggle = desk.page.getByRole('switch', { name: SWITCH });
  await expect(toggle).not.toBeChecked();
  await toggle.check({ force: true });
  await expect(desk.page.getByText('Đang bật trên máy này')).toBeVisible();
  await desk.reload();
  await desk.opened();
  await expect(toggle).toBeChecked();
  await toggle.uncheck({ force: true });
  await expect(desk.page.getByText('Đang tắt.')).toBeVisible();

  // Without network nothing is said to be on that is not.
  await desk.goOffline();
  await toggle.click({ force: true });
  await expect(desk.page.getByText('Chưa bật được.')).toBeVisible();
  await expect(toggle).not.toBeChecked();
  await desk.goOnline();

  await desk.context.clearPermissions();
  await desk.context.grantPermissions([], { origin: desk.network.url });
  await desk.reload();
  await desk.opened();
  await expect(desk.page.getByText('Máy đang chặn thông báo')).toBeVisible();
  await expect(toggle).toHaveCount(0);
});

test('whoever sent an emergency reads that nobody on duty could be reached, and later who looked', async () => {
  test.setTimeout(240_000);
  const office = await Office.start({ flags: ['--duty-minutes', '1'] });
  const phone = await Phone.start(office);
  await ready(phone, 'lan');
  const code = await recordEmergency(phone.page, WANDERER);
  await phone.open('/cases');
  await phone.opened();
  await phone.page.getByRole('link', { name: new RegExp(code) }).click();
  const line = phone.page.locator('[data-duty]');
  // Nobody has turned notices on: each in turn cannot be reached, the department last, and the village is told to call.
  await expect(async () => {
    await phone.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await expect(line).toContainText('Chưa báo được trực', { timeout: 3_000 });
  }).toPass({ timeout: 120_000 });
  await expect(line).toContainText('Xin gọi điện');
  await phone.page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(phone.page.getByText('Xã chưa báo được trực: Dương Văn Kiên.')).toBeVisible();
  await expect(phone.page.getByText('Xã chưa báo được trực: Vi Thị Hạnh.')).toBeVisible();

  const desk = await Phone.start(office);
  await ready(desk, 'hanh');
  await tab(desk.page, 'Chuyển tuyến');
  const row = desk.page.getByRole('link', { name: new RegExp(code) });
  await expect(row).toContainText('Chưa báo được trực');
  await row.click();
  await expect(async () => {
    await phone.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await expect(line).toContainText('Vi Thị Hạnh đã xem', { timeout: 3_000 });
  }).toPass({ timeout: 60_000 });
  expect([...phone.complaints, ...desk.complaints]).toEqual([]);
  await desk.put();
  await phone.put();
  await office.stop();
});
