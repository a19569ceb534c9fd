import { describeGradients } from './compare.ts';

describeGradients('kws');
