// What was not sent leaves a phone though nobody can open it: by itself, by the service worker, by a colleague's hand.
import { readFile } from 'node:fs/promises';

import type { Download } from '@playwright/test';

import { accessible } from '../support/looks.ts';
import type { Phone } from '../support/phone.ts';
import { spoilLetter } from '../support/store.ts';
import { ready, recordCase, row, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const NAMES = ['Hoàng Thị Một', 'Hoàng Thị Hai', 'Hoàng Thị Ba'];

/** A picture as a camera makes it, large enough for several pieces. */
async function picture(phone: Phone): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const base64 = await phone.page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2000, 1500];
    const context = canvas.getContext('2d');
    for (let n = 0; context && n < 8_000; n += 1) {
      context.fillStyle = `hsl(${(n * 47) % 360} ${30 + ((n * 7) % 60)}% ${20 + ((n * 13) % 60)}%)`;
      context.fillRect((n * 7919) % 2000, (n * 6101) % 1500, 12 + (n % 40), 10 + (n % 30));
    }
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1] ?? '';
  });
  return { name: 'IMG_2301.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(base64, 'base64') };
}

/** Three cases and two photos without network, and then the phone is logged out: nobody holds its key any more. */
async function leaveFiveUnsent(phone: Phone): Promise<void> {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  for (const name of NAMES) {
    await phone.open('/');
    await recordCase(phone.page, { name, what: 'Sống một mình, ngã hai lần.' });
    await phone.page.getByRole('link', { name: 'Mở hồ sơ' }).click();
    await phone.page.getByRole('heading', { name }).waitFor();
  }
  await phone.page.getByRole('link', { name: 'Thêm ảnh' }).click();
  for (const before of [0, 1]) {
    await phone.page.getByLabel('Chọn ảnh có sẵn').setInputFiles(await picture(phone));
    await phone.page.getByRole('button', { name: 'Xem ảnh lớn' }).nth(before).waitFor();
  }
  await phone.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(phone.page.getByText('Ảnh: chờ gửi 0 %').first()).toBeVisible();
  await phone.open('/');
  await tab(phone.page, 'Khác');
  await phone.page.getByRole('link', { name: 'Người dùng máy này' }).click();
  await phone.page.getByRole('button', { name: 'Đăng xuất' }).click();
  await phone.page.getByRole('dialog').getByRole('button', { name: 'Đăng xuất' }).click();
  await expect(phone.page.getByText('5 việc đang chờ gửi')).toBeVisible();
  for (const name of NAMES) await expect(phone.page.getByText(name)).toHaveCount(0);
}

async function text(download: Download): Promise<string> {
  return readFile(await download.path(), 'utf8');
}

/** Every case lies at the office, set aside for the supervisor of the area, under the name of whoever wrote it. */
async function allSetAside(desk: Phone): Promise<void> {
  await desk.open('/office');
  await desk.logIn('hanh');
  await desk.page.getByRole('link', { name: 'Để riêng' }).click();
  const notes = desk.page.getByRole('article');
  await expect(notes).toHaveCount(NAMES.length);
  for (const name of NAMES) await expect(notes.filter({ hasText: name })).toContainText('Nông Thị Lan');
}

test('five unsent changes and two photos of a phone that is logged out and whose person is revoked arrive by themselves', async ({
  office,
  phone,
  anotherPhone,
}) => {
  test.setTimeout(240_000);
  await leaveFiveUnsent(phone);
  await accessible(phone.page);
  await office.run('user', 'revoke', 'lan');
  await phone.goOnline();
  await expect(phone.page.getByText('5 việc đã gửi')).toBeVisible({ timeout: 30_000 });
  await expect(phone.page.getByText(/việc đang chờ gửi/)).toHaveCount(0);
  const brought = phone.network.exchanges.filter(({ path }) => path === '/api/letters').length;
  await phone.reload();
  await expect(phone.page.getByText('5 việc đã gửi')).toBeVisible({ timeout: 30_000 });
  expect(phone.network.exchanges.filter(({ path }) => path === '/api/letters')).toHaveLength(brought);
  expect(phone.network.exchanges.some(({ path }) => path.startsWith('/api/photo/'))).toBe(true);
  expect(phone.network.exchanges.filter(({ path }) => path === '/api/push')).toEqual([]);
  await allSetAside(await anotherPhone({ width: 1280, height: 800 }));
});

test('the same five and their photos are carried by another phone, which cannot read them', async ({ office, phone, anotherPhone }) => {
  test.setTimeout(240_000);
  await leaveFiveUnsent(phone);
  await office.run('user', 'revoke', 'lan');
  const saving = phone.page.waitForEvent('download');
  await phone.page.getByRole('button', { name: 'Lưu tệp cứu hộ' }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toMatch(/^cau-noi-cuu-ho-\d{4}-\d{2}-\d{2}\.txt$/);
  const file = await text(saved);
  expect(JSON.parse(file)).toMatchObject({ v: 1, letters: { length: 5 }, blobs: { length: 2 } });
  for (const readable of ['Hoàng', 'ngã hai lần', 'case_opened']) expect(file).not.toContain(readable);
  const path = await saved.path();

  const carrier = await anotherPhone();
  await ready(carrier, 'diep');
  await carrier.installed();
  await carrier.open('/sync');
  await carrier.goOffline();
  await carrier.page.getByLabel('Nhận tệp cứu hộ').setInputFiles(path);
  await expect(carrier.page.getByText('Máy này mang giúp 7 thư. Có sóng, máy tự gửi.')).toBeVisible();
  await expect(carrier.page.getByText('Đang mang giúp 7 thư, chờ có sóng')).toBeVisible();
  await accessible(carrier.page);
  await carrier.goOnline();
  await expect(carrier.page.getByText('7 thư mang giúp đã tới xã')).toBeVisible({ timeout: 30_000 });
  for (const name of NAMES) await expect(carrier.page.getByText(name)).toHaveCount(0);
  await allSetAside(await anotherPhone({ width: 1280, height: 800 }));

  // A copy of the file that comes later, by another hand, changes nothing.
  const accepted = await office.run('accept', path);
  expect(accepted).toContain('5 of 5 letters arrived');
  expect(accepted).toContain('2 of 2 photos arrived');
  // Nor does the phone itself, when it is back.
  await phone.goOnline();
  await expect(phone.page.getByText('5 việc đã gửi')).toBeVisible({ timeout: 30_000 });
  await allSetAside(await anotherPhone({ width: 1280, height: 800 }));
});

test('the service worker brings letters while the app is closed', async ({ phone, anotherPhone }) => {
  test.setTimeout(180_000);
  await ready(phone, 'lan');
  await phone.installed();
  const session = await phone.context.newCDPSession(phone.page);
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL, isDeleted }) => scopeURL.startsWith(phone.network.url) && !isDeleted);
      if (own) resolve(own.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await registered;
  await phone.goOffline();
  const spoiled = await recordCase(phone.page, { name: 'Hoàng Thị Một', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/');
  const code = await recordCase(phone.page, { name: 'Hoàng Thị Hai', what: 'Sống một mình, ngã hai lần.' });
  await spoilLetter(phone);
  await phone.page.goto('about:blank');
  await phone.network.open();
  const arrived = () => phone.network.exchanges.filter(({ path }) => path === '/api/letters').length;
  await session.send('ServiceWorker.dispatchSyncEvent', {
    origin: phone.network.url,
    registrationId,
    tag: 'letters',
    lastChance: false,
  });
  // Both, then each by itself: one that cannot be read takes no other with it.
  await expect.poll(arrived, { timeout: 30_000 }).toBe(3);
  expect(phone.network.exchanges.filter(({ path }) => path === '/api/push')).toEqual([]);

  // The commune reads it while the phone is still closed; opened again, the phone is told what it is told of any push.
  const hanh = await anotherPhone();
  await ready(hanh, 'hanh');
  await hanh.open('/cases');
  await expect(row(hanh.page, code)).toBeVisible({ timeout: 30_000 });
  await expect(row(hanh.page, spoiled)).toHaveCount(0);
  await phone.open('/cases');
  for (const each of [code, spoiled]) {
    await expect(row(phone.page, each)).toContainText(/Xã đã nhận|Đã xem/, { timeout: 30_000 });
  }
});

test('the office is held to its receipts', async ({ office, phone }) => {
  await ready(phone, 'lan');
  await phone.open('/');
  const code = await recordCase(phone.page, { name: 'Hoàng Thị Một', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await phone.open('/sync');
  const saving = phone.page.waitForEvent('download');
  await phone.page.getByRole('button', { name: 'Lưu biên nhận của xã' }).click();
  // It is said for a few seconds only.
  await expect(phone.page.getByText('Đã lưu biên nhận của 1 điều.')).toBeVisible();
  const saved = await saving;
  const file = await text(saved);
  expect(file).not.toContain('Hoàng');
  expect(await office.run('check', '--receipts', await saved.path())).toContain('1 receipts, 1 changes');
});
