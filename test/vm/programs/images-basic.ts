import * as ds from '@devicescript/core';

import { Image } from '@devicescript/graphics';
const im = Image.alloc(8, 4, 1);
console.log(im.width, im.height, im.bpp, im.buffer);
im.set(1, 1, 1);
im.set(7, 3, 1);

console.log(im.get(1, 1), im.get(0, 0), im.get(7, 3), im.get(-1, 0));
im.fillRect(2, 0, 3, 3, 1);
console.log(im.buffer);
im.drawLine(0, 0, 7, 3, 1);
console.log(im.buffer);
const copy = im.clone();
console.log(copy.equals(im), copy.buffer);
copy.flipX();
console.log(copy.buffer, copy.equals(im));
copy.flipY();
console.log(copy.buffer);
im.fill(1);
console.log(im.buffer);
im.fill(0);
im.fillCircle(4, 2, 2, 1);
console.log(im.buffer);
