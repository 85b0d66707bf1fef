// Every question that stands before an act, on the screen it is asked on.
import type { Page } from '@playwright/test';

import { settled, takePictures } from '../support/picture.ts';
import { ready, recordCase, row, tab } from '../support/story.ts';
import { NEWER, OtherSite } from '../support/site.ts';
import { expect, test } from '../support/test.ts';

async function dialog(page: Page, state: string): Promise<void> {
  await page.getByRole('dialog').waitFor();
  await takePictures(page, 'dialog', state);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
}

test('dialogs-of-a-collaborator', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');

  // Consent taken back, and a task done.
  await phone.open('/cases');
  await row(page, 'XN4C73').click();
  await page.getByRole('button', { name: 'Rút lại sự đồng ý' }).click();
  await dialog(page, 'withdraw-consent');
  await page.getByRole('link', { name: 'Giao việc' }).click();
  await settled(page);
  await page.getByLabel('Việc cần làm').fill('Đưa anh đi khám ở trạm y tế');
  await page.getByRole('button', { name: '1 tuần nữa' }).click();
  await takePictures(page, 'case-task', 'filled', { whole: true });
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await page.getByRole('button', { name: 'Đã làm xong' }).first().click();
  await page.getByRole('dialog').getByRole('textbox').fill('Đã khám, có đơn thuốc, tháng sau khám lại. Anh hứa uống thuốc đều.');
  await dialog(page, 'task-done');

  // A draft thrown away.
  await phone.open('/cases/new');
  await page.getByLabel('Họ và tên').fill('Triệu Thị Hồng Nhung Phương Thảo Quỳnh Như');
  await page.getByText('Bản nháp đã lưu trên máy này').first().waitFor();
  await takePictures(page, 'new-case-1', 'draft-kept', { whole: true });
  await page.getByRole('button', { name: 'Bỏ bản nháp' }).click();
  await dialog(page, 'drop-draft');
  await phone.open('/');
  await settled(page);
  await takePictures(page, 'today', 'draft', { whole: true });
  await phone.open('/cases/new');
  await settled(page);
  await takePictures(page, 'new-case', 'draft-found', { whole: true });

  // A referral withdrawn.
  await phone.open('/referrals');
  await page.getByRole('link', { name: /Hoàng Văn Dính/ }).first().click();
  const taking = page.getByText('Rút phiếu').first();
  await taking.click();
  await page.getByRole('button', { name: 'Rút phiếu' }).last().click();
  await takePictures(page, 'referral-withdraw', 'failed', { whole: true });
  await page.getByRole('textbox', { name: /Lý do/ }).fill('Gia đình đã nhận anh về chăm.');
  await page.getByRole('button', { name: 'Rút phiếu' }).last().click();
  await dialog(page, 'withdraw-referral');
});

test('dialogs-of-log-out', async ({ phone }) => {
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.installed();
  await phone.open('/person');
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  await dialog(page, 'log-out');
  await phone.goOffline();
  await phone.open('/');
  await recordCase(page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/person');
  await page.getByText('1 mục chưa gửi', { exact: true }).waitFor();
  await takePictures(page, 'person', 'offline', { whole: true });
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('dialog').getByText('Còn 1 mục chưa gửi').waitFor();
  await takePictures(page, 'dialog', 'log-out-unsent');
  await page.getByRole('dialog').getByRole('button', { name: 'Đăng xuất' }).click();
  await page.getByRole('button', { name: 'Nông Thị Lan' }).waitFor();
  await takePictures(page, 'log-in', 'known', { whole: true });
  await page.getByRole('button', { name: 'Nông Thị Lan' }).click();
  await page.getByText('Người này đã đăng xuất').waitFor();
  await takePictures(page, 'log-in', 'known-chosen');
});

test('dialogs-of-a-facility', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ width: 1280, height: 800 });
  const { page } = phone;
  await ready(phone, 'thanh');
  await tab(page, 'Chuyển tuyến');
  await settled(page);
  await page.getByRole('button', { name: 'Nhận người này' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Ngày khác' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Nhận người này' }).click();
  await dialog(page, 'receive-failed');
  for (const [part, state] of [[/^Cần trả lời/, 'new'], [/^Đang giữ chỗ/, 'holding'], [/^Đang ở/, 'inside']] as const) {
    await phone.open('/referrals');
    await page.getByRole('button', { name: part }).click();
    const link = page.getByRole('listitem').getByRole('link', { name: /^(Xem và trả lời|Xem|Mở)/ }).first();
    await link.click();
    await page.getByRole('radio').first().waitFor();
    for (let i = 0; i < (await page.getByRole('radio').count()); i += 1) {
      await page.getByRole('radio').nth(i).check();
      await takePictures(page, `reply-${state}`, `${i + 1}`, { whole: true });
    }
  }
});

test('update-prompt', async ({ office, phone }) => {
  const newer = await OtherSite.newer();
  await ready(phone, 'lan');
  await phone.installed();
  await office.restart({ site: newer.folder });
  await phone.reload();
  await phone.opened();
  await expect(phone.page.locator('html')).toHaveAttribute('data-update', 'ready');
  await settled(phone.page);
  await takePictures(phone.page, 'today', 'update');
  await phone.page.getByRole('button', { name: 'Cập nhật' }).click();
  await expect(phone.page.locator('html')).toHaveAttribute('data-build', NEWER);
  await newer.remove();
});
