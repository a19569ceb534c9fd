import * as ds from '@devicescript/core';

import { Map, Set } from '@devicescript/runtime';
const m = new Map<string, number>();
m.set('a', 1);
m.set('b', 2);
console.log(m.size(), m.get('a'), m.has('b'), m.has('c'));
m.set('a', 10);
m.delete('b');
console.log(m.size(), m.get('a'), m.get('b'));
const s = new Set<number>();
s.add(1).add(2).add(1);
console.log(s.size, s.has(1), s.has(3));
s.delete(1);
console.log(s.has(1));
