// What lies on the phone when the app cannot open it: it is said, it is left alone, and it never looks like nothing.
import { notebooks, raise } from '../support/store.ts';
import { ready, recordCase } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

test('a store that a newer app has written is left untouched, and said to be so', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: 'Hoàng Thị Thử Nghiệm', what: 'Sống một mình, ngã hai lần.' });
  const raised = await raise(phone);
  for (const path of ['/', '/cases', '/referrals', '/sync', '/person', '/more/facilities']) {
    await phone.open(path);
    await expect(phone.page.getByText('Dữ liệu trên máy thuộc bản mới hơn')).toBeVisible({ timeout: 30_000 });
    await expect(phone.page.getByText(/[Đđ]ã gửi|chưa có|Chưa có|Không có/)).toHaveCount(0);
  }
  expect(await notebooks(phone)).toContainEqual(raised);
  await phone.open('/more');
  await expect(phone.page.getByRole('link', { name: /^Đồng bộ/ })).toContainText('Cần anh/chị xem lại');
  await expect(phone.page.getByText('Đã gửi hết')).toHaveCount(0);
  // The numbers to call are there all the same.
  await phone.page.getByRole('link', { name: 'KHẨN CẤP' }).click();
  await expect(phone.page.getByRole('link', { name: /113/ }).first()).toHaveAttribute('href', 'tel:113');
});
