import * as ds from '@devicescript/core';
import { deleteSetting, readSetting, settings, writeSetting } from '@devicescript/settings';
import { keep, recall } from '../../../src/lib/memory';

const boots: number = await readSetting('boots', 0);
console.log(`boots ${boots}`);
console.log(`recalled ${JSON.stringify(await recall('normal'))}`);
console.log(`nothing ${JSON.stringify(await readSetting('nothing', 'missing'))}`);
let changes = 0;
settings.change.subscribe(async () => {
  changes++;
});
await writeSetting('boots', boots + 1);
await keep('normal', [3.359219, boots + 0.5]);
await writeSetting('gone', { long: 'A value that does not fit into an entry of the log any more' });
console.log(`written ${JSON.stringify(await readSetting('gone'))}`);
await deleteSetting('gone');
console.log(`deleted ${JSON.stringify(await readSetting('gone', 'missing'))}`);
await settings.set('$secret', Buffer.from('sesame'));
const report = await ds.actionReport(settings, 'get', async () => {
  await settings.get('$secret');
});
console.log(`secret ${report.decode()[1].toString('hex')}`);
await ds.sleep(200);
console.log(`changed ${changes > 2}`);
console.log('finished');
