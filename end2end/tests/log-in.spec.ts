import { expect, test } from '../support/test.ts';

test('the plain log-in works without script and says beside the field what is wrong', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false });
  phone.isToldOf(401);
  await phone.open('/cases');
  await phone.logIn('lan', 'sai-mat-khau');
  const password = phone.page.getByLabel('Mật khẩu');
  await expect(password).toHaveAccessibleDescription(/Tên đăng nhập hoặc mật khẩu chưa đúng/);
  await expect(phone.page.getByLabel('Tên đăng nhập')).toHaveValue('lan');

  await phone.logIn('lan');
  await phone.page.waitForURL(phone.network.url + '/');
  const cookies = await phone.context.cookies();
  expect(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name: name.slice(0, 10), httpOnly, secure, sameSite })))
    .toEqual([{ name: '__Host-cn-', httpOnly: true, secure: true, sameSite: 'Strict' }]);
});

test('the numbers to call are there before the app and without script', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false });
  await phone.open('/');
  await phone.page.getByText('KHẨN CẤP').click();
  for (const number of ['113', '115', '111']) {
    await expect(phone.page.getByRole('link', { name: number })).toHaveAttribute('href', `tel:${number}`);
  }
});

test('the office opens for whoever signs in there, without script, and closes again', { tag: '@office' }, async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false, width: 1280, height: 800 });
  await phone.open('/office');
  await expect(phone.page).toHaveURL(phone.network.url + '/office/login');
  await phone.logIn('lan');
  await expect(phone.page).toHaveURL(phone.network.url + '/office');
  await expect(phone.page.getByRole('heading', { name: 'Tổng quan' })).toBeVisible();
  await expect(phone.page.getByText('Nông Thị Lan', { exact: true })).toBeVisible();

  await phone.page.getByRole('button', { name: 'Thoát' }).click();
  await expect(phone.page).toHaveURL(phone.network.url + '/office/login');
  await phone.open('/office');
  await expect(phone.page).toHaveURL(phone.network.url + '/office/login');
});
