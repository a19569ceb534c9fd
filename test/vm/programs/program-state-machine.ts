import * as ds from '@devicescript/core';

enum State {
  Idle,
  Running = 5,
  Paused,
  Done = 'done' as any,
}
let state = State.Idle;
const history: any[] = [];
function go(e: string) {
  const before = state;
  switch (state) {
    case State.Idle:
      if (e === 'start') state = State.Running;
      break;
    case State.Running:
      if (e === 'pause') state = State.Paused;
      else if (e === 'stop') state = State.Done;
      break;
    case State.Paused:
      if (e === 'start') state = State.Running;
      break;
    default:
      break;
  }
  history.push([e, before, state]);
}
for (const e of ['pause', 'start', 'pause', 'stop', 'start', 'stop', 'start']) go(e);
console.log(history);
