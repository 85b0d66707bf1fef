// The outreach team: a visit without network, and what remains to be done handed back to the village.
import { ready, recordCase, row, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const WOMAN = 'Hoàng Thị Thử Nghiệm';

test('a visit by the outreach team without network reaches the village, with a task for its collaborator', { tag: '@office' }, async ({
  phone: village,
  anotherPhone,
}) => {
  await ready(village, 'lan');
  const code = await recordCase(village.page, { name: WOMAN, what: 'Sống một mình, ngã hai lần.' });
  await village.open('/cases');
  await expect(row(village.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await village.installed();
  await village.goOffline();

  // The team loads the case before it leaves.
  const team = await anotherPhone();
  await ready(team, 'quan');
  await team.installed();
  await tab(team.page, 'Hồ sơ');
  await expect(row(team.page, code)).toBeVisible();
  await team.goOffline();

  // At her door, no signal.
  await team.open('/cases');
  await team.page.getByRole('searchbox').fill(code);
  await row(team.page, code).click();
  await team.page.getByRole('link', { name: 'Ghi lần thăm' }).click();
  await team.page.getByLabel('Gặp ai?').fill('Bà và cháu gái');
  await team.page.getByLabel('Thấy và nghe những gì?').fill('Bà đi lại khó, mái bếp dột.');
  await team.page.getByRole('button', { name: '2 tuần nữa' }).click();
  await team.page.getByLabel(/^Lần tới làm gì\?/).fill('Xem lại mái bếp');
  await team.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await team.page.getByRole('link', { name: 'Giao việc cho cộng tác viên' }).click();
  await expect(team.page.getByRole('radio', { name: 'Cộng tác viên thôn Nà Thông: Nông Thị Lan' })).toBeChecked();
  await team.page.getByLabel('Việc cần làm').fill('Đưa bà đi khám mắt ở trạm y tế');
  await team.page.getByRole('button', { name: '1 tuần nữa' }).click();
  await team.page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(team.page.getByText('Đã giao việc. Có mạng sẽ gửi.')).toBeVisible();
  await team.open('/');
  await expect(team.page.getByRole('link', { name: /^Chờ gửi 2/ })).toBeVisible();

  // The team is back first, the village later.
  await team.goOnline();
  await expect(team.page.getByRole('link', { name: /^Đã gửi hết/ })).toBeVisible({ timeout: 30_000 });
  await village.open('/');
  const task = village.page.getByRole('link', { name: /Đưa bà đi khám mắt ở trạm y tế/ });
  await expect(village.page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await expect(task).toHaveCount(0);
  await village.goOnline();
  await expect(village.page.getByRole('link', { name: /^Đã gửi hết/ })).toBeVisible({ timeout: 30_000 });
  // A full day is drawn a few rows at a time; the task stands among them by its day. A list that has come to its end, by
  // this tap or by scrolling to it, takes its button away.
  const more = village.page.getByRole('button', { name: 'Xem thêm' });
  await expect(async () => {
    if (await more.count()) await more.first().click({ timeout: 1_000 });
    await expect(task).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 30_000 });
  await expect(task).toContainText(WOMAN);
  await expect(task).toContainText('Nà Thông');
  await task.click();
  await village.page.getByRole('link', { name: 'Thăm hỏi' }).click();
  const visit = village.page.getByRole('article');
  await expect(visit).toHaveCount(1);
  await expect(visit).toContainText('Hà Minh Quân');
  await expect(visit).toContainText('Bà đi lại khó, mái bếp dột.');
  await expect(visit).toContainText('Bà và cháu gái');

  // Done in the village, and the team reads it.
  await village.page.getByRole('link', { name: 'Tổng quan' }).click();
  await village.page.getByRole('button', { name: 'Đã làm xong' }).click();
  const dialog = village.page.getByRole('dialog');
  await dialog.getByLabel(/^Kết quả thế nào\?/).fill('Đã khám, có đơn thuốc.');
  await dialog.getByRole('button', { name: 'Đã làm xong' }).click();
  await expect(village.page.getByRole('button', { name: 'Đã làm xong' })).toHaveCount(0);
  await village.open('/');
  await expect(village.page.getByRole('link', { name: /^Đã gửi hết/ })).toBeVisible({ timeout: 30_000 });
  await expect(task).toHaveCount(0);
  await team.open('/cases');
  await row(team.page, code).click();
  await team.page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(team.page.getByText(/làm xong việc được giao/)).toBeVisible({ timeout: 30_000 });
});
