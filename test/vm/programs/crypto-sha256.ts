import * as ds from '@devicescript/core';
import { digest, hmac, sha256Hkdf } from '@devicescript/crypto';

console.log(digest('sha256', hex``));
console.log(digest('sha256', 'abc'));
console.log(digest('sha256', 'a', hex`62`, 'c'));
let long = '';
for (let i = 0; i < 20; ++i) long += 'äbcdefghij';
console.log(digest('sha256', long), digest('sha256', long, long));
for (const n of [55, 56, 63, 64, 65, 119, 120, 128])
  console.log(n, digest('sha256', Buffer.alloc(n)));
console.log(hmac('key', 'sha256', 'The quick brown fox jumps over the lazy dog'));
console.log(hmac(hex`0b0b`, 'sha256', Buffer.alloc(3), 'tail'));
console.log(hmac(Buffer.alloc(100), 'sha256', 'long key'));
console.log(sha256Hkdf('secret', 'info', 'salt'));
await ds.sleep(1);
