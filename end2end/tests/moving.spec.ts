// One man recorded twice, a case that goes to another commune, a colleague who goes on leave: everybody sees what is theirs,
// nothing written is lost, and what was joined comes apart again.
import type { Page } from '@playwright/test';

import { accessible } from '../support/looks.ts';
import { ready, recordCase, recordEmergency, row, tab, WANDERER } from '../support/story.ts';
import { expect, test } from '../support/test.ts';
import type { Phone } from '../support/phone.ts';

/** Opens a case from the list of cases. */
async function openCase(phone: Phone, code: string): Promise<void> {
  await phone.open('/cases');
  await phone.page.getByRole('searchbox').fill(code);
  await row(phone.page, code).first().click();
  await expect(phone.page.getByRole('heading', { level: 1 }).first()).toBeVisible();
}

/** The list of cases after a start, with these words typed. */
async function search(phone: Phone, typed: string): Promise<void> {
  await phone.open('/cases');
  await phone.page.getByRole('searchbox').fill(typed);
}

async function received(phone: Phone, code: string): Promise<void> {
  await search(phone, code);
  await expect(row(phone.page, code)).toContainText(/Xã đã nhận|Đã xem/, { timeout: 30_000 });
}

async function confirm(page: Page, says: string | RegExp, act: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(says);
  await dialog.getByRole('button', { name: act, exact: true }).click();
  await expect(dialog).toHaveCount(0);
}

/** Waits, starting the app again meanwhile, until the case page says something. */
async function eventually(phone: Phone, code: string, look: (page: Page) => Promise<void>): Promise<void> {
  await expect(async () => {
    await openCase(phone, code);
    await look(phone.page);
  }).toPass({ timeout: 45_000 });
}

test('one man recorded twice in one night is merged by the supervisor, leads to one case on both phones, and comes apart again', async ({
  phone: lan,
  anotherPhone,
}) => {
  test.setTimeout(480_000);
  await ready(lan, 'lan');
  const diep = await anotherPhone();
  await ready(diep, 'diep');
  const first = await recordEmergency(lan.page, WANDERER);
  const second = await recordEmergency(diep.page, { ...WANDERER, village: 'Pác Luống', place: 'Quán nước gần bến' });
  await received(lan, first);
  await received(diep, second);

  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  // A visit in the one that is to go behind: nothing of it may be lost.
  await openCase(diep, second);
  await diep.page.getByRole('link', { name: 'Ghi lần thăm' }).click();
  await diep.page.getByLabel('Thấy và nghe những gì?').fill('Ông nhớ có con gái ở Nà Lọc');
  await diep.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(diep.page.getByText('Chờ gửi')).toHaveCount(0, { timeout: 30_000 });

  await openCase(desk, second);
  await desk.page.getByRole('link', { name: /Gộp hồ sơ trùng/ }).click();
  await accessible(desk.page);
  // The other one stands among the likely ones without anything being typed.
  await desk.page.getByRole('button', { name: new RegExp(first) }).click();
  await desk.page.getByRole('radio', { name: new RegExp(first) }).check();
  await desk.page.getByRole('button', { name: 'Gộp hồ sơ trùng' }).click();
  await confirm(desk.page, `Hồ sơ ${second} đứng sau hồ sơ ${first}`, 'Gộp hồ sơ trùng');
  await expect(desk.page.getByText(first).first()).toBeVisible();
  const person = (page: Page) => page.getByRole('region', { name: 'Cùng một người' });
  await expect(person(desk.page)).toContainText(second);
  await accessible(desk.page);
  // The list has one of them; either code finds it.
  await search(desk, '');
  await expect(row(desk.page, first)).toHaveCount(1);
  await expect(row(desk.page, second)).toHaveCount(0);
  await search(desk, second);
  await expect(row(desk.page, first)).toHaveCount(1);
  await expect(row(desk.page, second)).toContainText('Đã gộp');
  // What both hold stands in the one in front.
  await openCase(desk, first);
  await desk.page.getByRole('link', { name: 'Thăm hỏi' }).click();
  const of = desk.page.getByRole('region', { name: `Từ hồ sơ ${second}` });
  await expect(of).toContainText('Ông nhớ có con gái ở Nà Lọc');

  // Lan sees only her own: her commune's other village is not hers, and the link tells her nothing.
  await eventually(lan, first, async (page) => {
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible({ timeout: 3_000 });
  });
  await expect(person(lan.page)).toHaveCount(0);
  await expect(lan.page.getByText(second)).toHaveCount(0);
  // Once she is named on the other one she sees that they are of one man.
  await openCase(desk, second);
  await expect(desk.page.getByText(`Hồ sơ này đã gộp vào ${first}`)).toBeVisible();
  await desk.page.getByRole('link', { name: /^Phân công/ }).click();
  await desk.page.getByLabel('Phân công cho').selectOption({ label: 'Nông Thị Lan, cộng tác viên' });
  await desk.page.getByRole('button', { name: 'Phân công', exact: true }).click();
  await confirm(desk.page, 'Nông Thị Lan sẽ có hồ sơ này', 'Phân công');
  await expect(desk.page.getByText('Nông Thị Lan', { exact: true })).toBeVisible();
  await accessible(desk.page);
  await eventually(lan, first, async (page) => {
    await expect(person(page)).toContainText(second, { timeout: 3_000 });
  });

  // Taken apart without network; both are cases of their own again.
  await desk.goOffline();
  await openCase(desk, first);
  await desk.page.getByRole('button', { name: `Tách khỏi hồ sơ ${second}` }).click();
  await confirm(desk.page, 'lại là hai hồ sơ riêng', 'Lưu trên máy này');
  await expect(person(desk.page)).toHaveCount(0);
  await desk.page.getByRole('link', { name: 'Lịch sử' }).click();
  await desk.goOnline();
  await search(desk, '');
  await expect(row(desk.page, second)).toHaveCount(1);
  await eventually(lan, first, async (page) => {
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible({ timeout: 3_000 });
    await expect(person(page)).toHaveCount(0, { timeout: 3_000 });
  });
  await search(lan, '');
  await expect(row(lan.page, second)).toHaveCount(1);
});

test('a case moves to another commune without network, work of the old village is kept, and the new one has all of it', async ({
  phone: lan,
  anotherPhone,
}) => {
  test.setTimeout(480_000);
  await ready(lan, 'lan');
  const code = await recordCase(lan.page, { name: 'Hoàng Thị Mỷ', what: 'Ốm đã hai tuần, ở nhà một mình.' });
  await received(lan, code);
  const deputy = await anotherPhone();
  await ready(deputy, 'kien');
  await search(deputy, code);
  await expect(row(deputy.page, code)).toHaveCount(1);
  const elsewhere = await anotherPhone();
  await ready(elsewhere, 'toan');
  await search(elsewhere, code);
  await expect(elsewhere.page.getByText('Không thấy hồ sơ nào')).toBeVisible();
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await desk.installed();
  await deputy.installed();

  // The deputy writes on the road, and knows nothing of what the desk does.
  await deputy.goOffline();
  await openCase(deputy, code);
  await deputy.page.getByRole('link', { name: 'Ghi lần thăm' }).click();
  await deputy.page.getByLabel('Thấy và nghe những gì?').fill('Chị đỡ sốt, ăn được cháo');
  await deputy.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(deputy.page.getByText('Đã lưu trên máy này')).toBeVisible();

  await openCase(desk, code);
  await desk.goOffline();
  await desk.page.getByRole('link', { name: /^Chuyển địa bàn/ }).click();
  await desk.page.getByLabel('Xã, phường nơi chuyển đến').selectOption({ label: 'Xã Nà Sầm Thượng' });
  await desk.page.getByLabel('Thôn, bản').selectOption({ label: 'Kéo Cọ' });
  await desk.page.getByRole('button', { name: 'Chuyển địa bàn' }).click();
  await expect(desk.page.getByLabel('Vì sao chuyển?')).toHaveAttribute('aria-invalid', 'true');
  await desk.page.getByLabel('Vì sao chuyển?').fill('Về ở với con gái ở Kéo Cọ');
  await accessible(desk.page);
  await desk.page.getByRole('button', { name: 'Chuyển địa bàn' }).click();
  await confirm(desk.page, 'sẽ phụ trách và nhận hồ sơ này', 'Chuyển địa bàn');
  await expect(desk.page.getByText('Lý do: Về ở với con gái ở Kéo Cọ')).toBeVisible();
  await desk.goOnline();

  // The commune there has it, with where it came from and why.
  await eventually(elsewhere, code, async (page) => {
    await expect(page.getByText(/Chuyển đến từ .*Nà Thông.*Về ở với con gái/)).toBeVisible({ timeout: 3_000 });
  });
  // The desk here no longer has it; whoever recorded it keeps it, and reads where it went.
  await expect(async () => {
    await search(desk, code);
    await expect(desk.page.getByText('Không thấy hồ sơ nào')).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 45_000 });
  await expect(async () => {
    await search(lan, code);
    await expect(row(lan.page, code)).toContainText('Đã chuyển địa bàn', { timeout: 3_000 });
  }).toPass({ timeout: 45_000 });

  // What the deputy wrote is not lost: it is with the office, for the commune that has the case now.
  await deputy.goOnline();
  await expect(async () => {
    await deputy.open('/sync');
    await expect(deputy.page.getByText('Không còn gì chờ gửi.')).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 45_000 });
  const table = await anotherPhone({ width: 1280, height: 800 });
  await table.open('/office');
  await table.logIn('toan');
  await table.page.getByRole('link', { name: 'Để riêng' }).click();
  const note = table.page.getByRole('article').filter({ hasText: 'Chị đỡ sốt, ăn được cháo' });
  await note.getByRole('button', { name: 'Đưa vào hồ sơ', exact: true }).click();
  await expect(table.page.getByText('Đã đưa vào hồ sơ.')).toBeVisible();
  await eventually(elsewhere, code, async (page) => {
    await page.getByRole('link', { name: 'Thăm hỏi' }).click();
    await expect(page.getByText('Chị đỡ sốt, ăn được cháo')).toBeVisible({ timeout: 3_000 });
  });
});

test('a collaborator who goes on leave hands cases and tasks to a colleague, without network', async ({
  phone: lan,
  anotherPhone,
}) => {
  test.setTimeout(480_000);
  await ready(lan, 'lan');
  const code = await recordCase(lan.page, { name: 'Hoàng Thị Mỷ', what: 'Ốm đã hai tuần, ở nhà một mình.' });
  await received(lan, code);
  await openCase(lan, code);
  await lan.page.getByRole('link', { name: 'Giao việc' }).click();
  await lan.page.getByLabel('Việc cần làm').fill('Đưa giấy hẹn khám');
  await lan.page.getByRole('radio', { name: /^Tôi/ }).check();
  await lan.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(lan.page.getByText('Đưa giấy hẹn khám')).toBeVisible();
  const diep = await anotherPhone();
  await ready(diep, 'diep');
  await search(diep, code);
  await expect(diep.page.getByText('Không thấy hồ sơ nào')).toBeVisible();

  await lan.installed();
  await lan.goOffline();
  await tab(lan.page, 'Khác').catch(() => lan.open('/more'));
  await lan.open('/more/handover');
  await lan.page.getByRole('button', { name: 'Bàn giao' }).click();
  await expect(lan.page.getByText('Chọn người nhận.')).toBeVisible();
  await lan.page.getByLabel('Người nhận', { exact: true }).selectOption({ label: 'Hứa Thị Bích Diệp, cộng tác viên' });
  // All, and then only the one.
  const all = lan.page.getByRole('checkbox', { name: /^Chọn tất cả/ });
  await all.check();
  await all.uncheck();
  await lan.page.getByRole('checkbox', { name: new RegExp(code) }).check();
  await lan.page.getByLabel('Điều người nhận cần biết').fill('Tôi nghỉ thai sản từ thứ hai');
  await accessible(lan.page);
  await lan.page.getByRole('button', { name: 'Bàn giao' }).click();
  await confirm(lan.page, 'Hứa Thị Bích Diệp nhận 1 hồ sơ và 1 việc đang giao', 'Bàn giao');
  await expect(lan.page.getByText('Đã bàn giao 1 hồ sơ.')).toBeVisible();
  await lan.goOnline();

  await eventually(diep, code, async (page) => {
    await expect(page.getByText('Đưa giấy hẹn khám')).toBeVisible({ timeout: 3_000 });
  });
  await diep.page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(diep.page.getByRole('listitem').filter({ hasText: 'bàn giao cho Hứa Thị Bích Diệp' })).toBeVisible();
  // The task stands in her Hôm nay, and no longer in the other one's.
  await diep.open('/');
  await expect(diep.page.getByText('Đưa giấy hẹn khám')).toBeVisible();
  await lan.open('/');
  await expect(lan.page.getByText('Đưa giấy hẹn khám')).toHaveCount(0);
});
