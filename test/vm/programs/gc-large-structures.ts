import * as ds from '@devicescript/core';

interface Node {
  value: number;
  left?: Node;
  right?: Node;
}
function insert(n: Node, v: number): Node {
  if (n === undefined) return { value: v };
  if (v < n.value) n.left = insert(n.left, v);
  else n.right = insert(n.right, v);
  return n;
}
function count(n: Node): number {
  return n === undefined ? 0 : 1 + count(n.left) + count(n.right);
}
function height(n: Node): number {
  return n === undefined ? 0 : 1 + Math.max(height(n.left), height(n.right));
}
let rootNode: Node = undefined;
let seed = 7;
for (let i = 0; i < 150; ++i) {
  seed = (seed * 1103 + 12345) % 65536;
  rootNode = insert(rootNode, seed);
}
console.log(count(rootNode), height(rootNode));
let list: any = null;
for (let i = 0; i < 400; ++i) list = { next: list, i };
let n = 0;
for (let p = list; p; p = p.next) n += p.i;
console.log(n);
