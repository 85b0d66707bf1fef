// Whoever loses all rights: the phone forgets, keeps and hands over what it had not sent, and a supervisor decides about it.
import { ready, recordCase, row } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const WHAT = 'Chồng say rượu, hai đứa nhỏ sang nhà bà ngoại.';

test('whoever is revoked keeps what they have not sent and nothing else, and what they send is read', { tag: '@office' }, async ({
  office,
  phone,
  anotherPhone,
}) => {
  await ready(phone, 'lan');
  const sent = await recordCase(phone.page, { name: 'Hoàng Thị Mỷ', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/cases');
  await expect(row(phone.page, sent)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await phone.installed();
  await phone.goOffline();
  await phone.open('/today');
  const unsent = await recordCase(phone.page, { name: 'Lò Văn Páo', what: WHAT });

  expect(await office.run('user', 'revoke', 'lan')).toContain('Done for lan');
  await phone.open('/cases');
  await expect(row(phone.page, unsent)).toContainText('Chờ gửi');
  await expect(row(phone.page, sent)).toBeVisible();
  await phone.goOnline();
  await expect(phone.page.getByText(/Quyền làm việc của anh\/chị ở đây đã dừng/)).toBeVisible({ timeout: 30_000 });
  await phone.open('/cases');
  await expect(row(phone.page, unsent)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(row(phone.page, sent)).toHaveCount(0);

  const desk = await anotherPhone({ width: 1280, height: 800 });
  desk.isToldOf(401);
  await desk.open('/office');
  await desk.logIn('lan');
  await expect(desk.page.getByText('Tên đăng nhập hoặc mật khẩu chưa đúng', { exact: false })).toBeVisible();
  await desk.open('/office/login');
  await desk.logIn('hanh');
  await desk.page.getByRole('link', { name: 'Để riêng' }).click();
  const note = desk.page.getByRole('article').filter({ hasText: WHAT });
  await expect(note).toContainText('Nông Thị Lan');

  // Put away with a reason: the writer's phone says so, and keeps the words.
  await note.getByText('Không đưa vào hồ sơ').click();
  await note.getByLabel('Vì sao?').fill('Đã có hồ sơ của bà ngoại');
  await note.getByRole('button', { name: 'Cất đi, giữ nguyên nội dung' }).click();
  await expect(desk.page.getByText('máy người ghi sẽ báo lý do')).toBeVisible();
  await phone.open('/sync');
  await phone.page.getByRole('button', { name: 'Thử gửi ngay' }).click();
  await expect(phone.page.getByText(/Đã có hồ sơ của bà ngoại/)).toBeVisible({ timeout: 30_000 });

  // Taken back and into the case: it is there for the colleagues, and has left the phone.
  await desk.page.getByRole('link', { name: 'Những điều đã cất đi' }).click();
  await expect(desk.page.getByRole('article').filter({ hasText: WHAT })).toContainText('Đã có hồ sơ của bà ngoại');
  await desk.page.getByRole('button', { name: 'Lấy lại để quyết định' }).click();
  await expect(desk.page.getByText('Mục này lại chờ quyết định.')).toBeVisible();
  await note.getByRole('button', { name: 'Đưa vào hồ sơ', exact: true }).click();
  await expect(desk.page.getByText('Đã đưa vào hồ sơ.')).toBeVisible();
  await phone.open('/cases');
  await expect(row(phone.page, unsent)).toHaveCount(0, { timeout: 30_000 });
});
