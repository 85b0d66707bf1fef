// What is being typed outlives what happens meanwhile: a killed app, a reloaded page, news that draw the page anew.
import { ready, recordAndOpen, recordCase, row, SLIENG } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const WOMAN = 'Hoàng Thị Thử Nghiệm';

test('a new case that is being typed stands there again when its own address is opened after a crash', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.open('/cases/new');
  await phone.page.getByLabel('Họ và tên').fill(WOMAN);
  await expect(phone.page.getByText('Bản nháp đã lưu trên máy này')).toBeVisible();
  await phone.killRenderer();
  await phone.open('/cases/new');
  await expect(phone.page.getByLabel('Họ và tên')).toHaveValue(WOMAN);
});

test('a question that is being answered is left alone by what is sent meanwhile', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: WOMAN, what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/cases');
  await row(phone.page, WOMAN).click();
  await phone.page.getByRole('link', { name: 'Giao việc' }).click();
  await phone.page.getByLabel('Việc cần làm').fill('Đưa bà đi khám mắt');
  await phone.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await phone.page.getByRole('button', { name: 'Đã làm xong' }).click();
  const dialog = phone.page.getByRole('dialog');
  const note = dialog.getByLabel(/^Kết quả thế nào\?/);
  await note.fill('Đã khám, có đơn thuốc.');

  await phone.goOnline();
  await expect(phone.page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  await expect(note).toHaveValue('Đã khám, có đơn thuốc.');
  await dialog.getByRole('button', { name: 'Đã làm xong' }).click();
  await expect(phone.page.getByText(/làm xong việc được giao/)).toBeVisible();
});

test('a visit is written once, however often its button is tapped', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const path = await recordAndOpen(phone, SLIENG);
  await phone.open(`${path}/visit`);
  await phone.page.getByLabel('Thấy và nghe những gì?').fill('Đỡ đau chân.');
  // As soon as the button takes it, until the page has gone.
  await phone.page.getByRole('button', { name: 'Lưu trên máy này' }).evaluate((button: HTMLButtonElement) => {
    const tap = setInterval(() => (button.isConnected ? button.click() : clearInterval(tap)), 1);
  });
  await phone.page.waitForURL((url) => !url.pathname.endsWith('/visit'));
  await phone.open(`${path}/visits`);
  await expect(phone.page.getByRole('article').filter({ hasText: 'Đỡ đau chân.' })).toHaveCount(1);
});
