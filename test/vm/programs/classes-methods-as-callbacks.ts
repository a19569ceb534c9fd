import * as ds from '@devicescript/core';

class Sum {
  total = 0;
  add(x: number) {
    this.total += x;
  }
  addAll(xs: number[]) {
    xs.forEach(this.add);
    return this.total;
  }
}
const s = new Sum();
console.log(s.addAll([1, 2, 3]), s.total);
class Node {
  children: Node[] = [];
  constructor(public name: string) {}
  add(n: Node) {
    this.children.push(n);
    return this;
  }
  path(): string {
    return (
      this.name +
      (this.children.length ? '(' + this.children.map((c) => c.path()).join(',') + ')' : '')
    );
  }
}
const root = new Node('a').add(new Node('b').add(new Node('c'))).add(new Node('d'));
console.log(root.path());
