import { takePictures } from '../support/picture.ts';
import { test } from '../support/test.ts';

test('document', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false });
  phone.isToldOf(401);
  await phone.open('/');
  await takePictures(phone.page, 'document', 'empty');
  await phone.page.getByText('KHẨN CẤP').click();
  await takePictures(phone.page, 'document', 'emergency');
  await phone.open('/login');
  await phone.logIn('Nguyễn Thị Phương Thảo ở thôn Khuổi Slao', 'sai-mat-khau');
  await takePictures(phone.page, 'document', 'failed');
});

test('office-log-in', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false });
  phone.isToldOf(401);
  await phone.open('/office');
  await takePictures(phone.page, 'office-log-in', 'empty');
  await phone.logIn('lan', 'sai-mat-khau');
  await takePictures(phone.page, 'office-log-in', 'failed');
});

test('office', async ({ anotherPhone }) => {
  const phone = await anotherPhone({ script: false });
  await phone.open('/office');
  await phone.logIn('lan');
  await takePictures(phone.page, 'office', 'full');
});
