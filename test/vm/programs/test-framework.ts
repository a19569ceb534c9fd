import * as ds from '@devicescript/core';

import { describe, test, expect } from '@devicescript/test';
describe('numbers', () => {
  test('adds', () => {
    expect(1 + 1).toBe(2);
  });
  test('throws', () => {
    expect(() => {
      throw new Error('x');
    }).toThrow();
  });
});
await ds.sleep(500);
