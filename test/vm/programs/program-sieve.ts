import * as ds from '@devicescript/core';

const n = 500;
const composite = Buffer.alloc(n + 1);
const primes: number[] = [];
for (let i = 2; i <= n; ++i) {
  if (composite[i]) continue;
  primes.push(i);
  for (let j = i * i; j <= n; j += i) composite[j] = 1;
}
console.log(primes.length, primes[primes.length - 1]);
console.log(primes.slice(0, 20));
