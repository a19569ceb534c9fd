import Table from 'cli-table3';
import { energyRows } from '../compiler/energy.ts';
import type { PhaseAccuracy, SummaryEvent } from './events.ts';

function percent({ accuracy, right, windows }: PhaseAccuracy): string {
  return accuracy === null ? 'none' : `${(100 * accuracy).toFixed(1)} %  (${right} of ${windows})`;
}

/** The table at the end of the story. */
export function summaryTable(summary: SummaryEvent): string {
  const table = new Table({ style: { head: [], border: [] } });
  const steps = `${summary.steps} steps, ${summary.trainingEnergy.toFixed(0)} mJ`;
  const rows: [string, string][] = [
    [`known speaker ${summary.known}, before the change`, percent(summary.beforeDrift)],
    [`new speaker ${summary.new}, before adapting`, percent(summary.afterDrift)],
    [`new speaker ${summary.new}, after adapting`, percent(summary.afterAdaptation)],
    ['    of these after the reboot', percent(summary.afterReboot)],
    ['windows until drift was noticed', summary.delay === null ? 'never' : String(summary.delay)],
    ['false alarms', String(summary.falseAlarms)],
    ['training', steps],
    ['energy of features, inference and training', `${summary.energy.toFixed(0)} mJ`],
    ...energyRows(summary.power),
    ['adapter', summary.adapterBytes === null ? 'not saved' : `${summary.adapterBytes} bytes`],
    ['adapter loaded after the reboot', summary.loaded ? 'yes' : 'no'],
    ['model', summary.model],
    ['plot', summary.plot],
  ];
  table.push(...rows);
  return table.toString();
}
