// Photos: taken in the page or chosen, kept before anything else, sent after every word, read by who may see the case.
import type { Page } from '@playwright/test';

import { cameraFile, choosePhoto, sides, watchPieces } from '../support/photo.ts';
import { draftBytes, fillUp } from '../support/store.ts';
import { next, ready, recordAndOpen, recordCase, row, SLIENG, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const WOMAN = 'Hoàng Thị Thử Nghiệm';
const SAVE = 'Lưu trên máy này';
const RECEIVED = 'Ảnh: xã đã nhận';
const WAITING = /^Ảnh: chờ gửi \d+\s%$/;

/** The questions of a new case up to the last, with consent to photos. */
const DRAFTED = 'Bản nháp đã lưu trên máy này';

async function answerAll(page: Page, name: string): Promise<void> {
  await page.getByLabel('Họ và tên').fill(name);
  await next(page);
  await page.getByLabel('Thôn phụ trách').selectOption({ label: 'Nà Thông' });
  await next(page);
  await page.getByRole('radio', { name: 'Người cao tuổi' }).check();
  await next(page);
  await page.getByLabel('Chuyện gì đã xảy ra?').fill('Sống một mình, ngã hai lần.');
  await next(page);
  await page.getByRole('radio', { name: /^Bình thường/ }).check();
  await next(page);
  await page.getByRole('radio', { name: /^Đồng ý/ }).check();
  await page.getByRole('switch', { name: 'Đồng ý chụp và giữ ảnh' }).check();
}

test('a photo taken with the camera in the page is sent after the text and seen at the commune', async ({ anotherPhone }) => {
  test.setTimeout(240_000);
  const phone = await anotherPhone({ camera: true });
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, SLIENG);
  await expect(page.getByText('Chưa có ảnh.')).toBeVisible();
  await page.getByRole('link', { name: 'Thêm ảnh' }).click();
  await expect(page.getByText('Không chụp giấy tờ tùy thân, trừ khi thật cần.').first()).toBeVisible();
  await expect(page.getByText('Chưa hỏi người được trợ giúp về ảnh.')).toBeVisible();
  await page.getByRole('button', { name: 'Chụp ảnh' }).click();
  const camera = page.getByRole('dialog', { name: 'Chụp ảnh' });
  const shutter = camera.getByRole('button', { name: 'Chụp', exact: true });
  await expect(shutter).toBeEnabled();
  await shutter.click();
  await expect(camera).toBeHidden();
  await page.getByLabel('Ảnh này cho thấy gì?').fill('Lối vào nhà');
  // Nobody looks through the camera any more.
  const tracks = await page.locator('video').evaluate((video: HTMLVideoElement) =>
    (video.srcObject as MediaStream).getTracks().map(({ readyState }) => readyState));
  expect(tracks).toEqual(['ended']);
  await page.getByRole('button', { name: SAVE }).click();
  await page.waitForURL((url) => url.pathname === path);
  await expect(page.getByText(RECEIVED)).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText('Chưa hỏi về ảnh').first()).toBeVisible();
  await expect(page.getByRole('link', { name: /^Đã gửi hết/ })).toHaveCount(0);
  const sent = phone.network.exchanges.map(({ path: of }) => of);
  expect(sent.findLastIndex((of) => of === '/api/push')).toBeLessThan(sent.findIndex((of) => of.startsWith('/api/photo/')));

  const desk = await anotherPhone({ width: 1280, height: 800 });
  await ready(desk, 'hanh');
  await tab(desk.page, 'Hồ sơ');
  await desk.page.getByRole('searchbox').fill(SLIENG.name);
  await row(desk.page, SLIENG.name).click();
  await desk.page.getByRole('button', { name: 'Lối vào nhà' }).click();
  const viewer = desk.page.getByRole('dialog');
  await expect(viewer.locator('img')).toHaveAttribute('src', /^blob:/);
  expect((await sides(viewer)).width).toBeGreaterThan(160);
  await viewer.getByRole('button', { name: 'Đóng' }).click();
  await expect(viewer).toBeHidden();

  // Without network only the small picture is there, and it is said.
  await desk.installed();
  await desk.goOffline();
  await desk.page.getByRole('button', { name: 'Lối vào nhà' }).click();
  await expect(viewer.getByText('Ảnh lớn không có trên máy này. Có mạng thì mở được.')).toBeVisible();
  await expect(viewer.locator('img')).toHaveAttribute('src', /^data:image\/(webp|jpeg);base64,/);
  const kept = await desk.page.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return caches_.flat().map(({ url }) => url).filter((url) => url.includes('/api/'));
  });
  expect(kept).toEqual([]);
});

test('text arrives although the photo is stuck, and the photo goes on where the line was cut', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await page.getByRole('link', { name: 'Ghi hồ sơ mới' }).click();
  await answerAll(page, WOMAN);
  await choosePhoto(page);
  await page.getByRole('button', { name: SAVE }).click();
  await page.getByRole('link', { name: 'Mở hồ sơ' }).click();
  await expect(page.getByText('Ảnh: chờ gửi 0 %')).toBeVisible();
  // One's own photo is there without network.
  await page.getByRole('button', { name: /^Ảnh 1 trong 1/ }).click();
  const viewer = page.getByRole('dialog');
  await expect(viewer.locator('img')).toHaveAttribute('src', /^blob:/);
  expect(await sides(viewer)).toMatchObject({ width: 1600, height: 1200 });
  await viewer.getByRole('button', { name: 'Đóng' }).click();

  const pieces = watchPieces(page);
  phone.isCutOffFrom('/api/photo/');
  phone.network.cutRequestsFor(/^\/api\/photo\/[^/]+\/[1-9]/);
  await phone.goOnline();
  await expect(page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  await expect.poll(() => pieces.filter(({ start }) => start > 0).length, { timeout: 30_000 }).toBeGreaterThan(1);
  await expect(page.getByText(WAITING)).toBeVisible();
  await expect(page.getByText('Ảnh: chờ gửi 0 %')).toHaveCount(0);
  // Another case written meanwhile passes the photo that is stuck.
  await phone.open('/');
  await recordCase(page, SLIENG);
  await phone.open('/cases');
  await expect(row(page, SLIENG.name)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await phone.open('/sync');
  await expect(page.getByText(/^1 ảnh đang chờ gửi\./)).toBeVisible();

  const before = pieces.length;
  phone.network.cutRequestsFor(undefined);
  await page.getByRole('button', { name: 'Thử gửi ngay' }).click();
  await expect(page.getByText(/ảnh đang chờ gửi/)).toHaveCount(0, { timeout: 60_000 });
  // Nothing that had arrived was sent again.
  expect(pieces.slice(before).every(({ start }) => start > 0)).toBe(true);
  await phone.open('/cases');
  await row(page, WOMAN).click();
  await expect(page.getByText(RECEIVED)).toBeVisible();
});

test('photos of a draft survive a killed app, and are saved with what they were taken for', async ({ phone }) => {
  test.setTimeout(240_000);
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await phone.open('/cases/new');
  await answerAll(phone.page, WOMAN);
  await choosePhoto(phone.page);
  await phone.page.getByLabel('Ảnh này cho thấy gì?').fill('Mái nhà dột');
  await expect(phone.page.getByText(DRAFTED)).toBeVisible();
  await phone.killRenderer();
  await phone.open('/cases/new');
  await expect(phone.page.getByRole('button', { name: 'Xem ảnh lớn' })).toHaveCount(1);
  await expect(phone.page.getByLabel('Ảnh này cho thấy gì?')).toHaveValue('Mái nhà dột');
  await phone.page.getByRole('button', { name: SAVE }).click();
  await phone.page.getByRole('link', { name: 'Mở hồ sơ' }).click();
  await expect(phone.page.getByRole('button', { name: 'Mái nhà dột' })).toBeVisible();
  // The app is opened again where there is network: whoever is here sends it, and nobody beside them.
  await phone.killRenderer();
  await phone.goOnline();
  const pieces = watchPieces(phone.page);
  await phone.open('/cases');
  await row(phone.page, WOMAN).click();
  await expect(phone.page.getByText(RECEIVED)).toBeVisible({ timeout: 60_000 });
  const starts = pieces.map(({ start }) => start).filter((start) => start > 0);
  expect(starts.length).toBeGreaterThan(1);
  expect(new Set(starts).size).toBe(starts.length);
});

test('an app killed in the middle of saving keeps the photo and its text together', async ({ phone }) => {
  test.setTimeout(300_000);
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  for (const round of [0, 1, 2, 3]) {
    await phone.open('/cases/new');
    await answerAll(phone.page, `${WOMAN} ${'ABCD'[round]}`);
    await choosePhoto(phone.page);
    await expect(phone.page.getByLabel('Ảnh này cho thấy gì?')).toBeVisible();
    await expect(phone.page.getByText(DRAFTED)).toBeVisible();
    await phone.page.getByRole('button', { name: SAVE }).click({ noWaitAfter: true });
    // A later moment of the same few milliseconds each time.
    await new Promise((later) => setTimeout(later, round * 15));
    await phone.killRenderer();
    // Either it was saved, with its photo, or the draft stands there with the photo and can be saved now.
    await phone.open('/cases/new');
    await phone.opened();
    // The form begins where it was left, or anew.
    await expect(phone.page.getByText(/^Câu \d\/6$/).first()).toBeVisible();
    if ((await draftBytes(phone, 'new-case')) > 0) {
      await expect(phone.page.getByRole('button', { name: 'Xem ảnh lớn' })).toBeVisible();
      await phone.page.getByRole('button', { name: SAVE }).click();
      await expect(phone.page.getByRole('heading', { name: 'Đã lưu trên máy này' })).toBeVisible();
    }
  }
  await phone.open('/');
  await phone.goOnline();
  for (const letter of 'ABCD') {
    await phone.open('/cases');
    await row(phone.page, `${WOMAN} ${letter}`).click();
    await expect(phone.page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 60_000 });
    await expect(phone.page.getByRole('button', { name: /^Ảnh 1 trong 1/ })).toBeVisible();
    await expect(phone.page.getByText(RECEIVED)).toBeVisible({ timeout: 60_000 });
  }
});

test('a phone without room says that the photo was not kept, and nothing typed is lost', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await fillUp(phone);
  await phone.open('/cases/new');
  await answerAll(phone.page, WOMAN);
  const files = phone.page.getByLabel('Chọn ảnh có sẵn');
  await files.setInputFiles(await cameraFile(phone.page));
  await expect(phone.page.getByText('Máy hết chỗ nên chưa giữ được ảnh này.')).toBeVisible();
  await expect(phone.page.getByRole('button', { name: 'Xem ảnh lớn' })).toHaveCount(0);
  await expect(phone.page.getByRole('switch', { name: 'Đồng ý chụp và giữ ảnh' })).toBeChecked();
});

test('a photo taken away is gone from the case, and the history says that there was one', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, SLIENG);
  await phone.open(`${path}/photos`);
  await choosePhoto(page);
  await page.getByRole('button', { name: SAVE }).click();
  await page.waitForURL((url) => url.pathname === path);
  await expect(page.getByText(RECEIVED)).toBeVisible({ timeout: 60_000 });
  await page.getByRole('button', { name: /^Ảnh 1 trong 1/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Bỏ khỏi hồ sơ' }).click();
  const sure = page.getByRole('dialog', { name: 'Bỏ ảnh này khỏi hồ sơ?' });
  await sure.getByRole('button', { name: 'Bỏ khỏi hồ sơ' }).click();
  await expect(page.getByText('Chưa có ảnh.')).toBeVisible();
  await page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(page.getByText(/bỏ một ảnh/)).toBeVisible();
  await expect(page.getByText(/thêm ảnh/)).toBeVisible();
});
