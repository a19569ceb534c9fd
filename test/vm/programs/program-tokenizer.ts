import * as ds from '@devicescript/core';

interface Token {
  kind: string;
  text: string;
}
function tokens(s: string): Token[] {
  const r: Token[] = [];
  let i = 0;
  while (i < s.length) {
    const c = s[i];
    if (c === ' ') {
      i++;
      continue;
    }
    const start = i;
    const code = s.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      while (i < s.length && s.charCodeAt(i) >= 46 && s.charCodeAt(i) <= 57) i++;
      r.push({ kind: 'number', text: s.slice(start, i) });
    } else {
      i++;
      r.push({ kind: 'op', text: c });
    }
  }
  return r;
}
function evaluate(s: string) {
  const ts = tokens(s);
  let at = 0;
  function primary(): number {
    const t = ts[at++];
    if (t.text === '(') {
      const v = sum();
      at++;
      return v;
    }
    if (t.text === '-') return -primary();
    return parseFloat(t.text);
  }
  function product(): number {
    let v = primary();
    while (at < ts.length && (ts[at].text === '*' || ts[at].text === '/')) {
      const op = ts[at++].text;
      const w = primary();
      v = op === '*' ? v * w : v / w;
    }
    return v;
  }
  function sum(): number {
    let v = product();
    while (at < ts.length && (ts[at].text === '+' || ts[at].text === '-')) {
      const op = ts[at++].text;
      const w = product();
      v = op === '+' ? v + w : v - w;
    }
    return v;
  }
  return sum();
}
for (const s of ['1+2*3', '(1+2)*3', '10/4-1', '-(2+3)*2', '2*(3+(4-1))/3', '1.5*4'])
  console.log(s, evaluate(s));
