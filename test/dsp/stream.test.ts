import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dspQuant, DSP_PROFILE_FACTS, DSP_PROFILES } from '../../native/dsp/quant.ts';
import { chirp, constant, noise, square } from './signals.ts';
import { DspWasm } from './wasm.ts';

const OK = 0;
const PARTIAL = 1;

describe.each([...DSP_PROFILES])('stream, %s', (profile) => {
  const { windowSamples, hopSamples, clipSamples } = DSP_PROFILE_FACTS[profile];
  const covered = 48 * hopSamples + windowSamples;
  const pcm = noise(42, 9000, clipSamples + 7 * hopSamples + 13);
  const whole = (() => {
    const dsp = new DspWasm(profile);
    dsp.push(pcm);
    return dsp.coefficients();
  })();

  it('gives the same for any cutting into pushes', () => {
    const dsp = new DspWasm(profile);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 40 }),
        (sizes) => {
          dsp.init();
          let at = 0;
          let frames = 0;
          for (let i = 0; at < pcm.length; i++) {
            const size = Math.max(sizes[i % sizes.length]!, i < sizes.length ? 0 : 1);
            frames += dsp.push(pcm.subarray(at, at + size));
            at += size;
          }
          expect(frames).toBe(Math.floor((pcm.length - windowSamples) / hopSamples) + 1);
          expect(dsp.coefficients()).toEqual(whole);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives the same when fed in an interrupt and run later, frame by frame', () => {
    const dsp = new DspWasm(profile);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 2 })), (maxFrames) => {
        dsp.init();
        for (let at = 0; at < pcm.length; at += 60) {
          const part = pcm.subarray(at, at + 60);
          dsp.run(maxFrames.next().value);
          // A consumer that is behind catches up before the ring overflows.
          if (dsp.feed(part) < part.length) throw new Error('overrun in a test that has none');
          if (at % 300 === 0) dsp.run();
        }
        dsp.run();
        expect(dsp.overruns()).toBe(0);
        expect(dsp.coefficients()).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('shows the last 49 frames: as a clip of just these samples', () => {
    const dsp = new DspWasm(profile);
    const frames = dsp.push(pcm);
    const streamed = dsp.coefficients();
    expect(dsp.status).toBe(OK);
    const start = (frames - 49) * hopSamples;
    dsp.clip(pcm.slice(start, start + covered));
    expect(dsp.coefficients()).toEqual(streamed);
  });

  it('hears silence before its beginning', () => {
    const dsp = new DspWasm(profile);
    const part = pcm.subarray(0, windowSamples + 9 * hopSamples);
    expect(dsp.push(part)).toBe(10);
    const early = dsp.coefficients();
    expect(dsp.status).toBe(PARTIAL);
    dsp.init();
    dsp.push(new Int16Array(39 * hopSamples));
    dsp.push(part);
    const late = dsp.coefficients();
    // Frames that overlap the beginning hear its first samples in one case only.
    const clean = 39 * 10;
    expect(late.subarray(clean)).toEqual(early.subarray(clean));
    expect(late.subarray(0, 10)).toEqual(early.subarray(0, 10));
  });

  it('counts what it loses when nobody runs it, and goes on afterwards', () => {
    const dsp = new DspWasm(profile);
    expect(dsp.feed(pcm.subarray(0, 1500))).toBe(1024);
    expect(dsp.overruns()).toBe(476);
    expect(dsp.feed(pcm.subarray(0, 10))).toBe(0);
    expect(dsp.overruns()).toBe(486);
    const kept = Math.floor((1024 - windowSamples) / hopSamples) + 1;
    expect(dsp.run(1)).toBe(1);
    expect(dsp.run()).toBe(kept - 1);
    dsp.push(pcm);
    dsp.push(pcm);
    expect(dsp.status).toBe(OK);
    expect(dsp.overruns()).toBe(486);
  });

  it('a clip leaves nothing behind: the next is as from a fresh start', () => {
    const dsp = new DspWasm(profile);
    const clip = noise(5, 300, 3000);
    dsp.clip(clip);
    const fresh = dsp.coefficients();
    dsp.push(square(40, 20000));
    dsp.clip(clip);
    expect(dsp.coefficients()).toEqual(fresh);
  });

  it('discard forgets samples and history but not the overruns', () => {
    const dsp = new DspWasm(profile);
    dsp.feed(pcm.subarray(0, 1030));
    dsp.discard();
    expect(dsp.overruns()).toBe(6);
    expect(dsp.run()).toBe(0);
    expect(dsp.push(pcm)).toBe(Math.floor((pcm.length - windowSamples) / hopSamples) + 1);
    expect(dsp.coefficients()).toEqual(whole);
  });

  it('follows a peak that comes and goes', () => {
    const dsp = new DspWasm(profile);
    const quiet = noise(6, 500, clipSamples);
    dsp.push(quiet);
    const before = dsp.coefficients();
    dsp.push(square(30, hopSamples));
    dsp.push(quiet);
    dsp.push(quiet);
    const start = noise(6, 500, clipSamples);
    dsp.init();
    dsp.push(start);
    expect(dsp.coefficients()).toEqual(before);
  });

  it('measures the level of the last hop', () => {
    const dsp = new DspWasm(profile);
    expect(dsp.level()).toBe(-128);
    const level = (x: Int16Array) => {
      dsp.feed(x);
      dsp.discard();
      return dsp.level();
    };
    const exact = (x: Int16Array) =>
      10 * Math.log10(x.reduce((sum, v) => sum + v * v, 0) / x.length / 2 ** 30);
    expect(level(constant(-32768, hopSamples))).toBe(0);
    for (const amplitude of [1, 2, 30, 200, 5000, 32767]) {
      for (const x of [
        noise(amplitude, amplitude, hopSamples),
        chirp(0.1, 0.2, amplitude, hopSamples),
      ]) {
        if (x.some((v) => v !== 0)) expect(Math.abs(level(x) - exact(x))).toBeLessThan(0.01);
      }
    }
    dsp.feed(new Int16Array(hopSamples - 1));
    expect(dsp.level()).not.toBe(-128);
    dsp.feed(new Int16Array(1));
    expect(dsp.level()).toBe(-128);
  });

  it('refuses memory that is too small or not aligned, and rings that do not fit', () => {
    const dsp = new DspWasm(profile);
    const bytes = dsp.call.memory_bytes(dsp.profilePointer, 1024);
    expect(dsp.init(bytes)).toBe(0);
    expect(dsp.init(bytes - 1)).toBe(-2);
    expect(dsp.init(bytes, 2)).toBe(-2);
    expect(() => new DspWasm(profile, 256)).toThrow('rt_dsp_init: -1');
    expect(() => new DspWasm(profile, 1000)).toThrow('rt_dsp_init: -1');
    expect(() => new DspWasm(profile, 2 ** 21)).toThrow('rt_dsp_init: -1');
    expect(dsp.call.init(0, dsp.profilePointer, 4096, bytes, 1024)).toBe(-1);
    expect(dsp.call.window(0, 0, 0)).toBe(-1);
    expect(dsp.call.clip(0, 0, 0, 0, 0)).toBe(-1);
  });

  it('needs the memory that the documentation says', () => {
    const { call, profilePointer } = new DspWasm(profile);
    expect(call.memory_bytes(profilePointer, 1024)).toBe(profile === 'digits' ? 6154 : 8114);
    expect(call.state_bytes()).toBe(64);
  });

  it('quantises the same window that it shows', () => {
    const dsp = new DspWasm(profile);
    dsp.push(pcm);
    const q = dsp.window(dspQuant({ scale: 0.5, zeroPoint: 3 }));
    dsp.coefficients().forEach((x, i) => {
      const exact = Math.max(-128, Math.min(127, x / 0.5 + 3));
      expect(Math.abs(q[i]! - exact)).toBeLessThanOrEqual(0.5 + 1e-4);
    });
  });
});
