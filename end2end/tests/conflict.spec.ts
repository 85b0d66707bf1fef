// Two people correct the same lines of one case without network: nothing is overwritten, and one tap settles it.
import type { Page } from '@playwright/test';

import { accessible } from '../support/looks.ts';
import { ready, recordCase, row, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const MY = 'Hoàng Thị Mỷ';
const HERS = 'Chị nói đau lưng, đi khám chưa ra bệnh';
const THEIRS = 'Có giấy ra viện: lao phổi, đang uống thuốc';

async function correct(page: Page, code: string, health: string, urgency: RegExp): Promise<void> {
  await tab(page, 'Hồ sơ');
  await row(page, code).click();
  await page.getByRole('link', { name: 'Sửa hồ sơ' }).click();
  await page.getByRole('textbox', { name: 'Sức khỏe' }).fill(health);
  await page.getByRole('radio', { name: urgency }).check({ force: true });
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(page.getByRole('heading', { name: MY })).toBeVisible();
}

test('what two people wrote differently stays, shows the safer answer, and is settled by a choice made without network', { tag: '@office' }, async ({
  phone: village,
  anotherPhone,
}) => {
  await ready(village, 'lan');
  const code = await recordCase(village.page, { name: MY, what: 'Ốm đã hai tuần, ở nhà một mình.' });
  await village.open('/cases');
  await expect(row(village.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await village.installed();
  const team = await anotherPhone();
  await ready(team, 'quan');
  await team.installed();
  await tab(team.page, 'Hồ sơ');
  await expect(row(team.page, code)).toBeVisible();

  // Neither knows of the other.
  await village.goOffline();
  await team.goOffline();
  await correct(village.page, code, HERS, /^Cần sớm/);
  await correct(team.page, code, THEIRS, /^Khẩn cấp/);
  await village.goOnline();
  await expect(village.page.getByText('Chờ gửi')).toHaveCount(0, { timeout: 30_000 });
  await team.goOnline();
  await expect(team.page.getByText('Chờ gửi')).toHaveCount(0, { timeout: 30_000 });

  // Both find both answers, with who wrote them, and meanwhile the one that protects most.
  for (const phone of [village, team]) {
    await phone.open('/');
    await phone.open('/cases');
    await expect(row(phone.page, code)).toContainText('Ghi khác nhau', { timeout: 30_000 });
    await expect(row(phone.page, code)).toContainText('Khẩn cấp');
  }
  await row(village.page, code).click();
  const card = (of: Page, question: string) => of.getByRole('article').filter({ has: of.getByRole('heading', { name: question }) });
  const health = card(village.page, 'Sức khỏe');
  await expect(health.getByRole('listitem').filter({ hasText: HERS })).toContainText('Nông Thị Lan');
  await expect(health.getByRole('listitem').filter({ hasText: THEIRS })).toContainText('Hà Minh Quân');
  const urgency = card(village.page, 'Mức khẩn');
  await expect(urgency).toContainText('điều an toàn hơn: Khẩn cấp');
  await accessible(village.page);

  // A supervisor's queue shows it too.
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await tab(desk.page, 'Chuyển tuyến');
  await expect(desk.page.getByRole('heading', { name: 'Ghi khác nhau' })).toBeVisible();
  await expect(desk.page.getByRole('link', { name: new RegExp(code) })).toBeVisible();

  // Lan chooses at the door, without network.
  await village.goOffline();
  await health.getByRole('button', { name: `Chọn: ${THEIRS}` }).click();
  const dialog = village.page.getByRole('dialog');
  await expect(dialog).toContainText(THEIRS);
  await dialog.getByRole('button', { name: 'Chọn điều này' }).click();
  await expect(health).toHaveCount(0);
  await urgency.getByRole('button', { name: 'Chọn: Cần sớm' }).click();
  await dialog.getByRole('button', { name: 'Chọn điều này' }).click();
  await expect(village.page.getByRole('heading', { name: 'Ghi khác nhau' })).toHaveCount(0);
  await expect(village.page.getByText(THEIRS)).toBeVisible();
  await village.goOnline();
  await village.open('/cases');
  await expect(row(village.page, code)).toContainText('Cần sớm');
  await expect(row(village.page, code)).not.toContainText('Ghi khác nhau');

  // The team's phone learns what was chosen, and by whom.
  await expect(async () => {
    await team.open('/cases');
    await expect(row(team.page, code)).not.toContainText('Ghi khác nhau', { timeout: 3_000 });
  }).toPass({ timeout: 30_000 });
  await row(team.page, code).click();
  await expect(team.page.getByText(THEIRS)).toBeVisible();
  await team.page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(team.page.getByRole('listitem').filter({ hasText: 'Nông Thị Lan' }).first()).toContainText(/Sức khỏe|Mức khẩn/i);
});
