import * as ds from '@devicescript/core';

import { rgb, PixelBuffer, fillSolid, fillRainbow, blendRgb, hsv } from '@devicescript/runtime';
console.log(rgb(255, 128, 0), rgb(1, 2, 3), hsv(0, 255, 128), hsv(120, 255, 128));
const px = PixelBuffer.alloc(4);
px.setAt(0, rgb(10, 20, 30));
px.setAt(3, 0xffffff);
console.log(px.buffer, px.at(0), px.at(3), px.length);
fillSolid(px, 0x00ff00);
console.log(px.buffer);
fillRainbow(px, 0);
console.log(px.buffer);
