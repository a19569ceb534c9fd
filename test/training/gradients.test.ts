import { describeGradients } from './compare.ts';

describeGradients('digits');
