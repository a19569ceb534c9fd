/** The smallest app: prints the words that the device hears, and how sure it is. */
import { nextWindow, readWords } from './lib/learner';

const words = await readWords();
while (true) {
  const heard = await nextWindow(60_000);
  if (heard !== undefined) console.log(`${words[heard.label]} (margin ${heard.margin})`);
}
