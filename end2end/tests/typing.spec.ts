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

test('what somebody takes out of a case is gone, and a birth date gives way to an age', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, { name: WOMAN, what: 'Sống một mình, ngã hai lần.' });
  const open = async (): Promise<void> => {
    await phone.open(`${path}/edit`);
    await page.getByText('Giấy tờ, điện thoại, dân tộc').click();
  };
  const save = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith('/edit'));
  };
  await open();
  await page.getByLabel('Điện thoại').fill('0900000123');
  await page.getByRole('switch', { name: 'Biết ngày sinh' }).check();
  await page.getByLabel('Năm', { exact: true }).fill('1950');
  await page.getByRole('textbox', { name: 'Sức khỏe' }).fill('Ho nhiều.');
  await save();
  await expect(page.getByText('0900 000 123')).toBeVisible();
  await expect(page.getByText('Ho nhiều.')).toBeVisible();
  await expect(page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });

  await open();
  await page.getByLabel('Điện thoại').fill('');
  await page.getByRole('switch', { name: 'Biết ngày sinh' }).uncheck();
  await page.getByLabel('Tuổi (ước chừng cũng được)').fill('60');
  await page.getByRole('textbox', { name: 'Sức khỏe' }).fill('');
  await save();
  const gone = async (): Promise<void> => {
    await expect(page.getByRole('heading', { name: WOMAN })).toBeVisible();
    await expect(page.getByText('60 tuổi').first()).toBeVisible();
    for (const old of ['0900 000 123', 'Ho nhiều.', '1950']) await expect(page.getByText(old)).toHaveCount(0);
  };
  await gone();
  await expect(page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  // As the office shows it, and as the form begins again.
  await phone.reload();
  await gone();
  await open();
  await expect(page.getByLabel('Điện thoại')).toHaveValue('');
  await expect(page.getByRole('switch', { name: 'Biết ngày sinh' })).not.toBeChecked();
});

test('a form stays while its case leaves the phone, and what was typed is listed, read and copied', async ({ office, phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, { name: WOMAN, what: 'Sống một mình, ngã hai lần.' });
  await expect(page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  await phone.open(`${path}/visit`);
  const seen = page.getByLabel('Thấy và nghe những gì?');
  await seen.fill('Có vết bầm ở tay.');
  await page.getByText('Bản nháp đã lưu trên máy này').waitFor();
  await office.run('user', 'revoke', 'lan');
  const pulled = page.waitForResponse((response) => response.url().endsWith('/api/pull'));
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await pulled;
  // The case is gone from every list of this phone; the form is not.
  const other = await phone.context.newPage();
  await other.goto(`${phone.network.url}/cases`);
  await expect(other.getByRole('searchbox')).toBeVisible();
  await expect(row(other, WOMAN)).toHaveCount(0);
  await other.close();
  await expect(seen).toHaveValue('Có vết bầm ở tay.');
  await seen.fill('Có vết bầm ở tay, không nói vì sao.');
  await page.getByText('Bản nháp đã lưu trên máy này').waitFor();
  await phone.open('/');
  await page.getByRole('link', { name: /^Ghi lần thăm/ }).click();
  await expect(page.getByRole('heading', { name: 'Đang ghi dở' })).toBeVisible();
  await page.getByText('Ghi lần thăm').click();
  await expect(page.getByText('Có vết bầm ở tay, không nói vì sao.')).toBeVisible();
  await phone.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Chép lại' }).click();
  await expect(page.getByText('Đã chép. Dán được vào nơi khác.')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('không nói vì sao');
  await page.getByRole('button', { name: 'Bỏ bản nháp' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Bỏ bản nháp' }).click();
  await expect(page.getByRole('heading', { name: 'Đang ghi dở' })).toHaveCount(0);
});

test('the list of villages shows the place that is saved, though it is not one of ours', async ({ phone, anotherPhone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, { name: WOMAN, what: 'Sống một mình, ngã hai lần.' });
  await expect(page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await desk.open(`${path}/edit`);
  const villages = desk.page.getByLabel('Thôn phụ trách');
  await expect(villages).toBeVisible();
  const theirs = await villages.locator('option').allInnerTexts();
  await phone.open(`${path}/edit`);
  await expect(page.getByLabel('Thôn phụ trách')).toBeVisible();
  const ours = await page.getByLabel('Thôn phụ trách').locator('option').allInnerTexts();
  const elsewhere = theirs.find((village) => !ours.includes(village));
  expect(elsewhere, 'a village of the commune in which Lan does not work').toBeDefined();
  await villages.selectOption({ label: elsewhere ?? '' });
  await desk.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(desk.page.getByText(/^(Xã đã nhận|Đã xem)/).first()).toBeVisible({ timeout: 30_000 });
  await phone.open(path);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(page.getByText(elsewhere ?? '').first()).toBeVisible({ timeout: 30_000 });
  await phone.open(`${path}/edit`);
  const chosen = page.getByLabel('Thôn phụ trách').locator('option:checked');
  await expect(chosen).toHaveText(elsewhere ?? '', { timeout: 30_000 });
});
