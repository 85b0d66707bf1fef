// Something the office could not take: read whole, copied, given up with a trace, taken up again.
import type { Phone } from '../support/phone.ts';
import { ready, recordAndOpen, recordVisit, SLIENG } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const SEEN = 'Bà đi lại được trong nhà, còn đau khi leo dốc.';

/**
 * On the way to the office the year of the next visit goes wrong, so that the office itself refuses the visit. Letters, which
 * nobody on the way can alter, are lost.
 */
async function spoilVisits(phone: Phone): Promise<void> {
  phone.isCutOffFrom('/api/letters');
  phone.network.cutRequestsFor(/^\/api\/letters/);
  await phone.page.route('**/api/push', async (route) => {
    const sent = route.request().postDataJSON() as { batch: { changes: { body: Record<string, { next?: string }> }[] } };
    for (const { body } of sent.batch.changes) {
      if (body.visit_recorded) body.visit_recorded.next = '2020-01-01';
    }
    await route.continue({ postData: JSON.stringify(sent) });
  });
}

test('a held visit is read whole, copied, given up for a reason, and taken up again', async ({ phone }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  await phone.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const path = await recordAndOpen(phone, SLIENG);
  await page.getByText('Xã đã nhận').first().waitFor();
  await spoilVisits(phone);
  await recordVisit(phone, path, SEEN);
  await phone.open('/sync');
  const held = page.getByRole('article').filter({ hasText: 'Lần thăm ngày' });
  await expect(held).toContainText('Chưa mất gì');
  await held.getByRole('button', { name: 'Xem điều tôi đã ghi' }).click();
  await expect(held).toContainText(SEEN);
  await held.getByRole('button', { name: 'Chép lại' }).click();
  await expect(page.locator('.notice')).toContainText('Đã chép');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain(SLIENG.name);
  expect(copied).toContain(`Thấy và nghe những gì?: ${SEEN}`);
  expect(copied).toContain('Gặp ai?: Bà và hàng xóm');

  // Without a reason nothing is given up; with one it moves, and the office is told.
  await held.getByRole('button', { name: 'Bỏ mục này' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Máy vẫn giữ ở “Đã bỏ”');
  await dialog.getByRole('button', { name: 'Bỏ mục này' }).click();
  await expect(dialog).toContainText('Xin ghi vì sao bỏ.');
  await dialog.getByLabel('Vì sao bỏ').fill('Ghi nhầm người.');
  const told = page.waitForRequest((request) => request.postData()?.includes('"dropped"') ?? false);
  await dialog.getByRole('button', { name: 'Bỏ mục này' }).click();
  const { batch } = (await told).postDataJSON() as { batch: { changes: { body: { dropped?: Record<string, string> } }[] } };
  const note = batch.changes.map(({ body }) => body.dropped).find((dropped) => dropped);
  expect(note).toMatchObject({ reason: 'Ghi nhầm người.' });
  expect(note?.content).toContain(SEEN);
  await expect(held).toHaveCount(0);
  await expect(page.getByText('Không còn gì chờ gửi.')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('link', { name: /^Đồng bộ/ })).toHaveCount(0);

  // It stands among what was given up, also after a start, and in no case.
  await phone.reload();
  const dropped = page.getByRole('region', { name: 'Đã bỏ' });
  await dropped.getByRole('group').click();
  await expect(dropped).toContainText('Ghi nhầm người.');
  await expect(dropped).toContainText(SEEN);
  await phone.open(`${path}/visits`);
  await expect(page.getByText(SEEN)).toHaveCount(0);

  // Taken up again, and sent as it was: the office takes it this time.
  await page.unroute('**/api/push');
  phone.network.cutRequestsFor(undefined);
  await phone.open('/sync');
  await dropped.getByRole('group').click();
  await dropped.getByRole('button', { name: 'Đưa lại để gửi' }).click();
  await expect(dropped).toHaveCount(0);
  await phone.open(`${path}/visits`);
  await expect(page.getByText(SEEN)).toBeVisible();
  await expect(page.getByRole('article').filter({ hasText: SEEN })).toContainText('Xã đã nhận', { timeout: 30_000 });
});

test('a supervisor reads what a collaborator gave up, with the reason', async ({ phone, office }) => {
  test.setTimeout(240_000);
  const { page } = phone;
  await ready(phone, 'lan');
  const path = await recordAndOpen(phone, SLIENG);
  await page.getByText('Xã đã nhận').first().waitFor();
  await spoilVisits(phone);
  await recordVisit(phone, path, SEEN);
  await phone.open('/sync');
  await page.getByRole('button', { name: 'Bỏ mục này' }).click();
  await page.getByRole('dialog').getByLabel('Vì sao bỏ').fill('Ghi nhầm người.');
  const told = page.waitForResponse((response) => response.request().postData()?.includes('"dropped"') ?? false);
  await page.getByRole('dialog').getByRole('button', { name: 'Bỏ mục này' }).click();
  expect((await told).status()).toBe(200);

  await page.goto(`${phone.network.url}/office/login`);
  await phone.logIn('hanh');
  await page.goto(`${phone.network.url}/office/set-aside`);
  const given = page.getByRole('region', { name: 'Người ghi đã bỏ' });
  await expect(given).toContainText('Nông Thị Lan');
  await expect(given).toContainText('Ghi nhầm người.');
  await expect(given).toContainText(SEEN);
  await expect(given.getByRole('button')).toHaveCount(0);
  expect(office.log).not.toContain(SEEN);
});
